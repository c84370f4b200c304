# A managed identity that trusts one service account of an AKS cluster.

terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.65"
    }
  }
}

provider "azurerm" {
  features {}
}

variable "cluster" {
  description = "The cluster. It needs the OIDC issuer and workload identity."
  type = object({
    name                = string
    resource_group_name = string
  })
}

data "azurerm_kubernetes_cluster" "example" {
  name                = var.cluster.name
  resource_group_name = var.cluster.resource_group_name
}

resource "azurerm_user_assigned_identity" "ci" {
  name                = "patching-ci"
  resource_group_name = var.cluster.resource_group_name
  location            = data.azurerm_kubernetes_cluster.example.location
}

resource "azurerm_federated_identity_credential" "aks" {
  name                      = "aks"
  user_assigned_identity_id = azurerm_user_assigned_identity.ci.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = data.azurerm_kubernetes_cluster.example.oidc_issuer_url
  subject                   = "system:serviceaccount:terraform:runner"
}

output "client_id" {
  description = "The value of the service account's annotation azure.workload.identity/client-id."
  value       = azurerm_user_assigned_identity.ci.client_id
}
