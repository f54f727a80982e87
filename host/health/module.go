package health

import (
	"context"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm"
)

// describe tells what does not change of the module.
func describe(p *module.Pool) Module {
	version, err := p.Version(context.Background())
	if err != nil {
		version = "unknown"
	}
	return Module{Version: version, SHA256: wasm.Digest, ABI: module.ABI}
}
