import {
  to = acr_continuous_patching_workflow.example
  id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/contoso"
}
