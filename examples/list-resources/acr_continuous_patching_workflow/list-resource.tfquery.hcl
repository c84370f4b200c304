# All workflows in the provider's subscription
list "acr_continuous_patching_workflow" "all" {
  provider = acr
}

# All workflows in one resource group, with all attributes of an import
list "acr_continuous_patching_workflow" "example" {
  provider         = acr
  include_resource = true
  limit            = 500

  config {
    subscription_id     = "00000000-0000-0000-0000-000000000000"
    resource_group_name = "example"
  }
}
