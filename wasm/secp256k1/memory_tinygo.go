//go:build tinygo

package secp256k1

// A module instance runs one call at a time: its tables and workspaces are
// fixed, so that no call allocates, and tables are filled on first use, so
// that they take no room in the file.
var (
	generatorTable  generatorMultiples
	generatorRatios [sizeG]field
	generatorFilled bool
	baseTable       comb
	baseFilled      bool
	theWorkspace    workspace
)

func multiplesOfG() *generatorMultiples {
	if !generatorFilled {
		generatorTable.fill(&generatorRatios)
		generatorFilled = true
	}
	return &generatorTable
}

func combOfG() *comb {
	if !baseFilled {
		baseTable.fill(&theWorkspace)
		baseFilled = true
	}
	return &baseTable
}

func newWorkspace() *workspace { return &theWorkspace }
