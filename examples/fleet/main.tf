# Creates many registries, and manages Continuous Patching of all of them.

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "fleet" {
  name     = var.resource_group_name
  location = var.location
}

resource "azurerm_container_registry" "fleet" {
  for_each = var.registries

  name                = each.key
  resource_group_name = azurerm_resource_group.fleet.name
  location            = coalesce(each.value.location, var.location)
  sku                 = each.value.sku
}

# What the provider acr needs to manage the workflows. At the resource group, the roles apply to every registry. To
# assign them, the caller must be Owner or User Access Administrator.
resource "azurerm_role_assignment" "caller" {
  for_each = toset([
    "AcrDelete",
    "AcrPush",
    "Container Registry Tasks Contributor",
    "Role Based Access Control Administrator",
  ])

  scope                = azurerm_resource_group.fleet.id
  role_definition_name = each.key
  principal_id         = data.azurerm_client_config.current.object_id
}

module "patching" {
  source = "../modules/continuous-patching"

  registries = {
    for name, registry in var.registries : name => {
      registry_id  = azurerm_container_registry.fleet[name].id
      schedule     = registry.schedule
      repositories = registry.repositories
    }
  }

  repositories = var.repositories
  window       = { from = "22:00", to = "04:00" }

  # A destroy removes the workflows before the roles that it needs for that.
  depends_on = [azurerm_role_assignment.caller]
}
