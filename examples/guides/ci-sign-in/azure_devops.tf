# A service connection without a secret, and the managed identity that trusts it.

terraform {
  required_providers {
    azuredevops = {
      source  = "microsoft/azuredevops"
      version = ">= 1.0"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.65"
    }
  }
}

provider "azuredevops" {}

provider "azurerm" {
  features {}
}

variable "project_id" {
  description = "The ID of the Azure DevOps project."
  type        = string
}

data "azurerm_subscription" "current" {}

resource "azurerm_resource_group" "example" {
  name     = "patching-ci"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "ci" {
  name                = "patching-ci"
  resource_group_name = azurerm_resource_group.example.name
  location            = azurerm_resource_group.example.location
}

resource "azuredevops_serviceendpoint_azurerm" "ci" {
  project_id                             = var.project_id
  service_endpoint_name                  = "patching-ci"
  service_endpoint_authentication_scheme = "WorkloadIdentityFederation"
  azurerm_spn_tenantid                   = data.azurerm_subscription.current.tenant_id
  azurerm_subscription_id                = data.azurerm_subscription.current.subscription_id
  azurerm_subscription_name              = data.azurerm_subscription.current.display_name

  credentials {
    serviceprincipalid = azurerm_user_assigned_identity.ci.client_id
  }
}

resource "azurerm_federated_identity_credential" "azure_devops" {
  name                      = "azure-devops"
  user_assigned_identity_id = azurerm_user_assigned_identity.ci.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = azuredevops_serviceendpoint_azurerm.ci.workload_identity_federation_issuer
  subject                   = azuredevops_serviceendpoint_azurerm.ci.workload_identity_federation_subject
}

output "service_connection_id" {
  description = "The value of ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID."
  value       = azuredevops_serviceendpoint_azurerm.ci.id
}
