# Plans the module without Azure: the provider is mocked, and its functions run as usual.

mock_provider "acr" {}

variables {
  registries = {
    contoso = {
      registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
    }
    fabrikam = {
      registry_id  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/fabrikam"
      schedule     = "1d"
      start_time   = "05:00"
      repositories = { "team/api" = { tags = ["1.0"], enabled = false } }
    }
  }
  repositories = { python = {} }
}

run "a_registry_has_the_defaults_of_the_module" {
  command = plan

  assert {
    condition     = acr_continuous_patching_workflow.this["contoso"].schedule == "7d"
    error_message = "The schedule must be the default of the module."
  }

  assert {
    condition     = acr_continuous_patching_workflow.this["contoso"].repositories["python"].tags == toset(["*"])
    error_message = "The workflow must patch every tag of the module's repositories."
  }
}

run "the_arguments_of_a_registry_come_first" {
  command = plan

  assert {
    condition     = acr_continuous_patching_workflow.this["fabrikam"].schedule == "1d" && acr_continuous_patching_workflow.this["fabrikam"].start_time == "05:00"
    error_message = "The schedule and the start time must be those of the registry."
  }

  assert {
    condition     = join(",", keys(acr_continuous_patching_workflow.this["fabrikam"].repositories)) == "team/api"
    error_message = "The repositories must be those of the registry."
  }
}

run "a_window_spreads_the_start_times" {
  command = plan

  variables {
    window = { from = "22:00", to = "04:00" }
  }

  assert {
    condition     = can(regex("^(22|23|00|01|02|03):", acr_continuous_patching_workflow.this["contoso"].start_time))
    error_message = "The start time must be inside the window."
  }

  assert {
    condition     = acr_continuous_patching_workflow.this["fabrikam"].start_time == "05:00"
    error_message = "The registry's own start time must come first."
  }
}

run "an_invalid_schedule_of_the_module_is_an_error" {
  command = plan

  variables {
    schedule = "31d"
  }

  expect_failures = [var.schedule]
}

run "an_invalid_schedule_of_a_registry_is_an_error" {
  command = plan

  variables {
    registries = {
      contoso = { registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso", schedule = "weekly" }
    }
  }

  expect_failures = [var.registries]
}

run "an_invalid_start_time_of_a_registry_is_an_error" {
  command = plan

  variables {
    registries = {
      contoso = { registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso", start_time = "2:30" }
    }
  }

  expect_failures = [var.registries]
}

run "one_registry_under_two_keys_is_an_error" {
  command = plan

  variables {
    registries = {
      a = { registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso" }
      b = { registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/DEMO/providers/Microsoft.ContainerRegistry/registries/contoso" }
    }
  }

  expect_failures = [var.registries]
}

run "an_invalid_window_is_an_error" {
  command = plan

  variables {
    window = { from = "22:00", to = "24:00" }
  }

  expect_failures = [var.window]
}

run "an_empty_window_is_an_error" {
  command = plan

  variables {
    window = { from = "22:00", to = "22:00" }
  }

  expect_failures = [var.window]
}

run "a_registry_without_repositories_is_an_error" {
  command = plan

  variables {
    registries = {
      contoso = { registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso" }
    }
    repositories = {}
  }

  expect_failures = [acr_continuous_patching_workflow.this["contoso"]]
}
