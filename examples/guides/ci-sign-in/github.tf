# A managed identity that trusts the jobs of one GitHub environment, with the roles that manage a workflow.

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

variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

resource "azurerm_resource_group" "example" {
  name     = "patching-ci"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "ci" {
  name                = "patching-ci"
  resource_group_name = azurerm_resource_group.example.name
  location            = azurerm_resource_group.example.location
}

resource "azurerm_federated_identity_credential" "github" {
  name                      = "github"
  user_assigned_identity_id = azurerm_user_assigned_identity.ci.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = "https://token.actions.githubusercontent.com"
  subject                   = "repo:contoso/infrastructure:environment:production"
}

resource "azurerm_role_assignment" "ci" {
  for_each = toset([
    "Container Registry Tasks Contributor",
    "Role Based Access Control Administrator",
    "AcrPush",
    "AcrDelete",
  ])

  scope                = var.registry_id
  role_definition_name = each.key
  principal_id         = azurerm_user_assigned_identity.ci.principal_id
  principal_type       = "ServicePrincipal"
}

output "client_id" {
  description = "The value of ARM_CLIENT_ID."
  value       = azurerm_user_assigned_identity.ci.client_id
}

output "tenant_id" {
  description = "The value of ARM_TENANT_ID."
  value       = azurerm_user_assigned_identity.ci.tenant_id
}
