// A provider that does nothing, to compare its start and its memory with those of this provider.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

type null struct{}

func (null) Metadata(_ context.Context, _ provider.MetadataRequest, response *provider.MetadataResponse) {
	response.TypeName = "null"
}

func (null) Schema(_ context.Context, _ provider.SchemaRequest, response *provider.SchemaResponse) {
	response.Schema = schema.Schema{}
}

func (null) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (null) Resources(context.Context) []func() resource.Resource { return nil }

func (null) DataSources(context.Context) []func() datasource.DataSource { return nil }

func main() {
	options := providerserver.ServeOpts{Address: "registry.terraform.io/example/null"}
	err := providerserver.Serve(context.Background(), func() provider.Provider { return null{} }, options)
	if err != nil {
		log.Fatal(err)
	}
}
