package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// options is how modules are compiled.
type options struct {
	interpreter   bool
	interruptible bool
}

// features are those of WebAssembly 2.0 and the proposals after it that wazero has. Threads are not among them where calls are interruptible: a guest that waits
// (memory.atomic.wait32) cannot be woken by anything but another thread of its own.
func (o options) features() api.CoreFeatures {
	features := api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
		experimental.CoreFeaturesExceptionHandling | experimental.CoreFeaturesTypedFunctionReferences
	if !o.interruptible {
		features |= experimental.CoreFeaturesThreads
	}
	return features
}

// module is compiled once and instantiated by any thread. It has a wazero.Runtime of its own: modules share nothing, and all goes at once when
// the last owner is gone.
type module struct {
	mu       sync.Mutex
	owners   int
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache
	// imported has the host modules by the name that they are imported under, which may be any text.
	imported map[string]api.Module
	// unlinkable is why there can be no instances; nil if there can.
	unlinkable error
	// slots is how many values the function with the most parameters or results has; vectors take two.
	slots int
	// large says that what it took to compile, and its code, is worth giving back to the system at once.
	large bool
}

// largeModule is in bytes of the binary.
const largeModule = 1 << 20

// compile compiles a module and what it imports.
//
// folder is where wazero keeps its code, or finds it; "" for none.
func compile(o options, binary []byte, folder string) (*module, error) {
	if err := expectModest(binary); err != nil {
		return nil, err
	}
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler()
	if o.interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.WithCoreFeatures(o.features()).WithCloseOnContextDone(o.interruptible).WithDebugInfoEnabled(false)
	m := &module{owners: 1, imported: map[string]api.Module{}, slots: 1, large: len(binary) >= largeModule}
	if folder != "" {
		cache, err := wazero.NewCompilationCacheWithDir(folder)
		if err != nil {
			return nil, failure{kindCache, err.Error()}
		}
		m.cache = cache
		config = config.WithCompilationCache(cache)
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	complete := false
	defer func() {
		if !complete {
			m.close()
		}
	}()
	var err error
	if m.compiled, err = m.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.NumCPU()), binary); err != nil {
		return nil, err
	}
	for _, definition := range m.compiled.ExportedFunctions() {
		m.slots = max(m.slots, 2*len(definition.ParamTypes()), 2*len(definition.ResultTypes()))
	}
	if err = m.buildImports(ctx); err != nil {
		return nil, err
	}
	complete = true
	if m.large {
		debug.FreeOSMemory()
	}
	return m, nil
}

// buildImports makes the functions that the module imports: each with the type that it is imported with, and the number among the module's
// imported functions.
func (m *module) buildImports(ctx context.Context) error {
	builders := map[string]wazero.HostModuleBuilder{}
	known := map[[2]string]api.FunctionDefinition{}
	for index, definition := range m.compiled.ImportedFunctions() {
		moduleName, name, _ := definition.Import()
		m.slots = max(m.slots, 2*len(definition.ParamTypes()), 2*len(definition.ResultTypes()))
		key := [2]string{moduleName, name}
		if other, ok := known[key]; ok {
			if fmt.Sprint(other.ParamTypes(), other.ResultTypes()) != fmt.Sprint(definition.ParamTypes(), definition.ResultTypes()) {
				m.unlinkable = failure{kindLink, fmt.Sprintf("%s.%s is imported with two types", moduleName, name)}
			}
			continue
		}
		known[key] = definition
		builder, ok := builders[moduleName]
		if !ok {
			// Not its own name: wazero's builder takes no empty one.
			builder = m.runtime.NewHostModuleBuilder("host " + strconv.Itoa(len(builders)))
			builders[moduleName] = builder
		}
		function := hostFunction{uint32(index), len(definition.ParamTypes()), definition.ResultTypes()}
		builder.NewFunctionBuilder().WithGoModuleFunction(function, definition.ParamTypes(), definition.ResultTypes()).Export(name)
	}
	for name, builder := range builders {
		compiled, err := builder.Compile(ctx)
		if err != nil {
			return err
		}
		if m.imported[name], err = m.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("")); err != nil {
			return err
		}
	}
	return nil
}

// adopt adds an owner; it is too late for that when the last one has gone.
func (m *module) adopt() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owners == 0 {
		return false
	}
	m.owners++
	return true
}

func (m *module) release() {
	m.mu.Lock()
	m.owners--
	last := m.owners == 0
	m.mu.Unlock()
	if last {
		m.close()
	}
}

func (m *module) close() {
	ctx := context.Background()
	_ = m.runtime.Close(ctx)
	if m.cache != nil {
		_ = m.cache.Close(ctx)
	}
	if m.large {
		// wazero leaves the code to Go's collector, which sees only the few bytes that lead to it.
		go debug.FreeOSMemory()
	}
}
