import {
  to = acr_continuous_patching_workflow.example
  identity = {
    subscription_id     = "00000000-0000-0000-0000-000000000000"
    resource_group_name = "example"
    registry_name       = "contoso"
  }
}
