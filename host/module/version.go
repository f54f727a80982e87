package module

import "context"

// ABI is the version of the module's interface that this package speaks.
const ABI = abiVersion

// Version returns the module's release, as its file says it.
func (p *Pool) Version(ctx context.Context) (string, error) {
	b, err := p.ask(ctx, "version")
	return string(b), err
}
