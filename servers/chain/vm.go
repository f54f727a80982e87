package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// compilations are of the whole process: each test has a chain of the same contract.
var compilations = wazero.NewCompilationCache()

// maxPages is nodeos' bound of a contract's memory.
const maxPages = 528

// A machine runs contracts. Its contracts are of it alone.
type machine struct {
	runtime wazero.Runtime
	env     map[string]api.FunctionDefinition
}

// A code is the contract that is deployed on the account.
type code struct {
	wasm     []byte
	digest   [32]byte
	abi      *abi
	compiled wazero.CompiledModule
	sequence uint64 // how many there were on the account
}

func newMachine() (*machine, error) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV1).
		WithMemoryLimitPages(maxPages).WithCloseOnContextDone(true).WithCompilationCache(compilations)
	m := &machine{runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	builder := m.runtime.NewHostModuleBuilder("env")
	for name, f := range intrinsics {
		builder.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	env, err := builder.Instantiate(ctx)
	if err != nil {
		return nil, err
	}
	m.env = env.ExportedFunctionDefinitions()
	return m, nil
}

func (m *machine) close() error { return m.runtime.Close(context.Background()) }

// load checks a contract as setcode does (libraries/chain/webassembly/runtimes/eos-vm.cpp):
// everything it imports is there, and it has an apply.
func (m *machine) load(wasm []byte, a *abi) (*code, error) {
	compiled, err := m.runtime.CompileModule(context.Background(), wasm)
	if err != nil {
		return nil, fault(codeWasmSerialization, "%v", err)
	}
	for _, imported := range compiled.ImportedFunctions() {
		module, name, _ := imported.Import()
		have, ok := m.env[name]
		if module != "env" || !ok {
			return nil, fault(codeWasmSerialization, "%s.%s unresolveable", module, name)
		}
		if !sameTypes(have.ParamTypes(), imported.ParamTypes()) || !sameTypes(have.ResultTypes(), imported.ResultTypes()) {
			return nil, fault(codeWasmSerialization, "%s.%s has wrong type", module, name)
		}
	}
	if len(compiled.ImportedMemories()) > 0 {
		return nil, fault(codeWasmSerialization, "a memory is unresolveable")
	}
	apply, ok := compiled.ExportedFunctions()["apply"]
	if !ok {
		return nil, fault(codeWasmSerialization, "apply not exported")
	}
	if !sameTypes(apply.ParamTypes(), []api.ValueType{api.ValueTypeI64, api.ValueTypeI64, api.ValueTypeI64}) || len(apply.ResultTypes()) > 0 {
		return nil, fault(codeWasmSerialization, "apply has wrong type")
	}
	return &code{wasm: wasm, digest: sha256.Sum256(wasm), abi: a, compiled: compiled}, nil
}

func sameTypes(a, b []api.ValueType) bool { return string(a) == string(b) }

type executing struct{}

// apply runs the contract's apply for one action, in a memory of its own, and
// ends it at the deadline.
func (m *machine) apply(x *execution, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.WithValue(context.Background(), executing{}, x), deadline)
	defer cancel()
	module, err := m.runtime.InstantiateModule(ctx, x.state.code.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return fault(codeWasmExecution, "%v", err)
	}
	defer module.Close(context.WithoutCancel(ctx))
	_, err = module.ExportedFunction("apply").Call(ctx, uint64(x.self), uint64(x.act.account), uint64(x.act.name))
	var refused *Error
	var ended *sys.ExitError
	switch {
	case err == nil, errors.Is(err, errExit):
		return nil
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &ended):
		return errLate
	}
	return fault(codeWasmExecution, "%v", firstLine(err.Error()))
}

func firstLine(s string) string {
	for i := range len(s) {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}

var (
	errExit = errors.New("eosio_exit")
	errLate = errors.New("the deadline is over")
)
