//go:build !tinygo

package secp256k1

// Goroutines share the tables, which are complete before main begins, and
// nothing else.

var generatorTable = func() *generatorMultiples {
	t := new(generatorMultiples)
	t.fill(new([sizeG]field))
	return t
}()

var baseTable = func() *comb {
	t := new(comb)
	t.fill(new(workspace))
	return t
}()

func multiplesOfG() *generatorMultiples { return generatorTable }
func combOfG() *comb                    { return baseTable }
func newWorkspace() *workspace          { return new(workspace) }
