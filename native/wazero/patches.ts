/**
 * What is changed in wazero's own source when it is built, each as a text that must be there exactly so often and what stands there instead: how a call is
 * interrupted, which wazero can do but at twenty times the cost, and where it departs from the specification.
 */
export interface Patch {
  /** In wazero's module. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Default: 1. */
  readonly times?: number;
}

const COMPILER = "internal/engine/wazevo";
const INTERPRETER = "internal/engine/interpreter";

/**
 * In bytes, and the check comes before the stack is doubled. Recursion without end takes a quarter of a second and 160 MB otherwise, which no limit of a guest's
 * memory covers; other engines have 1 MB or less.
 */
const STACK = "const callStackCeiling = uintptr(4_000_000)";

/**
 * Compiled code leaves for Go at each turn of each loop to ask whether the module was closed, which takes 25 ns. Here it counts down first: one for each turn of
 * a loop and each entry of a function (without which recursion goes on for ever), one for each KiB of a bulk operation. That also lets Go stop the thread
 * for its collector.
 */
const COUNT_DOWN: readonly Patch[] = [
  {
    file: `${COMPILER}/wazevoapi/offsetdata.go`,
    find: "	ExecutionContextOffsetCaughtExceptionClauseIdx Offset = 1232\n",
    replace: `	ExecutionContextOffsetCaughtExceptionClauseIdx Offset = 1232
	// ExecutionContextOffsetTerminationBudget is an offset of \`terminationBudget\` field in wazevo.executionContext
	ExecutionContextOffsetTerminationBudget Offset = 1240
`,
  },
  {
    file: `${COMPILER}/call_engine.go`,
    find: "		caughtExceptionClauseIdx int64\n",
    replace: `		caughtExceptionClauseIdx int64
		// terminationBudget is what compiled code may do until it asks whether the module was closed.
		terminationBudget int64
`,
  },
  {
    file: `${COMPILER}/call_engine.go`,
    find: "const callStackCeiling = uintptr(50000000) // in uint64 (8 bytes) == 400000000 bytes in total == 400mb.\n",
    replace: `const terminationBudget = 10_000

${STACK}
`,
  },
  {
    file: `${COMPILER}/call_engine.go`,
    find: "	entrypoint(c.preambleExecutable, c.executable, c.execCtxPtr,",
    replace: `	c.execCtx.terminationBudget = terminationBudget
	entrypoint(c.preambleExecutable, c.executable, c.execCtxPtr,`,
  },
  {
    file: `${COMPILER}/call_engine.go`,
    find: `			if err := m.FailIfClosed(); err != nil {
				panic(err)
			}
			c.execCtx.exitCode`,
    replace: `			if err := m.FailIfClosed(); err != nil {
				panic(err)
			}
			c.execCtx.terminationBudget = terminationBudget
			c.execCtx.exitCode`,
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: `		if c.ensureTermination {
			checkModuleExitCodePtr := builder.AllocateInstruction().
				AsLoad(c.execCtxPtrValue,
					wazevoapi.ExecutionContextOffsetCheckModuleExitCodeTrampolineAddress.U32(),
					ssa.TypeI64,
				).Insert(builder).Return()

			args := c.allocateVarLengthValues(1, c.execCtxPtrValue)
			builder.AllocateInstruction().
				AsCallIndirect(checkModuleExitCodePtr, &c.checkModuleExitCodeSig, args).
				Insert(builder)
		}
`,
    replace: `		if c.ensureTermination {
			c.checkTermination(ssa.ValueInvalid)
		}
`,
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: "		miscOp := wasm.OpcodeMisc(miscOpUint)\n",
    replace: `		miscOp := wasm.OpcodeMisc(miscOpUint)
		if c.ensureTermination && !state.unreachable {
			switch miscOp {
			case wasm.OpcodeMiscMemoryCopy, wasm.OpcodeMiscMemoryFill, wasm.OpcodeMiscMemoryInit,
				wasm.OpcodeMiscTableCopy, wasm.OpcodeMiscTableFill, wasm.OpcodeMiscTableInit:
				c.checkTermination(state.peek())
			}
		}
`,
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: `	for c.loweringState.pc < len(c.wasmFunctionBody) {
		blkBeforeLowering`,
    replace: `	if c.ensureTermination {
		c.checkTermination(ssa.ValueInvalid)
	}

	for c.loweringState.pc < len(c.wasmFunctionBody) {
		blkBeforeLowering`,
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: "func (c *Compiler) reloadAfterCall() {\n",
    replace: `// checkTermination takes one off the budget, and one for each KiB of a bulk operation, if \`size\` is that of one. When it is used up,
// Go is asked whether the module was closed.
func (c *Compiler) checkTermination(size ssa.Value) {
	builder := c.ssaBuilder
	constant := func(value uint64) ssa.Value {
		return builder.AllocateInstruction().AsIconst64(value).Insert(builder).Return()
	}
	offset := wazevoapi.ExecutionContextOffsetTerminationBudget.U32()
	budget := builder.AllocateInstruction().AsLoad(c.execCtxPtrValue, offset, ssa.TypeI64).Insert(builder).Return()
	budget = builder.AllocateInstruction().AsIsub(budget, constant(1)).Insert(builder).Return()
	if size.Valid() {
		kib := builder.AllocateInstruction().AsUExtend(size, 32, 64).Insert(builder).Return()
		kib = builder.AllocateInstruction().AsUshr(kib, constant(10)).Insert(builder).Return()
		budget = builder.AllocateInstruction().AsIsub(budget, kib).Insert(builder).Return()
	}
	builder.AllocateInstruction().AsStore(ssa.OpcodeStore, budget, c.execCtxPtrValue, offset).Insert(builder)
	usedUp := builder.AllocateInstruction().
		AsIcmp(budget, constant(0), ssa.IntegerCmpCondSignedLessThan).Insert(builder).Return()

	ask, following := builder.AllocateBasicBlock(), builder.AllocateBasicBlock()
	builder.AllocateInstruction().AsBrnz(usedUp, ssa.ValuesNil, ask).Insert(builder)
	toFollowing := builder.AllocateInstruction()
	toFollowing.AsJump(ssa.ValuesNil, following)
	builder.InsertInstruction(toFollowing)

	builder.Seal(ask)
	builder.SetCurrentBlock(ask)
	checkModuleExitCodePtr := builder.AllocateInstruction().
		AsLoad(c.execCtxPtrValue,
			wazevoapi.ExecutionContextOffsetCheckModuleExitCodeTrampolineAddress.U32(),
			ssa.TypeI64,
		).Insert(builder).Return()
	args := c.allocateVarLengthValues(1, c.execCtxPtrValue)
	builder.AllocateInstruction().
		AsCallIndirect(checkModuleExitCodePtr, &c.checkModuleExitCodeSig, args).
		Insert(builder)
	back := builder.AllocateInstruction()
	back.AsJump(ssa.ValuesNil, following)
	builder.InsertInstruction(back)

	builder.Seal(following)
	builder.SetCurrentBlock(following)
}

func (c *Compiler) reloadAfterCall() {
`,
  },
  // The interpreter is in Go already: only the entry of functions is missing.
  {
    file: `${INTERPRETER}/compiler.go`,
    find: "	// Now, enter the function body.\n",
    replace: `	if c.ensureTermination {
		c.emit(newOperationBuiltinFunctionCheckExitCode())
	}

	// Now, enter the function body.
`,
  },
];

/** Each call starts a goroutine that waits for its context, which takes 700 ns; also where the context has no end. The library marks the module itself. */
const NO_GOROUTINE: readonly Patch[] = [
  {
    file: `${COMPILER}/call_engine.go`,
    find: "	if ensureTermination {\n		done :=",
    replace: "	if ensureTermination && ctx.Done() != nil {\n		done :=",
  },
  {
    file: `${INTERPRETER}/interpreter.go`,
    find: "	if ce.f.parent.ensureTermination {\n		done :=",
    replace: "	if ce.f.parent.ensureTermination && ctx.Done() != nil {\n		done :=",
  },
];

/** An indirect call of null is told as an index that is outside of the table. */
const NULL_FUNCTION: readonly Patch[] = [
  {
    file: "internal/wasmruntime/errors.go",
    find: "	// ErrRuntimeNullReference indicates",
    replace: `	// ErrRuntimeIndirectCallNull indicates that the element of the table that was to be called is null.
	ErrRuntimeIndirectCallNull = New("indirect call of null")
	// ErrRuntimeNullReference indicates`,
  },
  {
    file: `${COMPILER}/call_engine.go`,
    find: `		case wazevoapi.ExitCodeIndirectCallNullPointer:
			panic(wasmruntime.ErrRuntimeInvalidTableAccess)`,
    replace: `		case wazevoapi.ExitCodeIndirectCallNullPointer:
			panic(wasmruntime.ErrRuntimeIndirectCallNull)`,
  },
  {
    file: `${INTERPRETER}/interpreter.go`,
    find: `	rawPtr := table.References[offset]
	if rawPtr == 0 {
		panic(wasmruntime.ErrRuntimeInvalidTableAccess)`,
    replace: `	rawPtr := table.References[offset]
	if rawPtr == 0 {
		panic(wasmruntime.ErrRuntimeIndirectCallNull)`,
  },
];

/** An element segment that does not fit is passed over: https://webassembly.github.io/spec/core/exec/modules.html#instantiation says that it traps. */
const ELEMENT_SEGMENT: readonly Patch[] = [
  {
    file: "internal/wasm/store.go",
    find: "	m.applyElements(module.ElementSection)\n",
    replace: `	if err = m.applyElements(module.ElementSection); err != nil {
		return nil, err
	}
`,
  },
  {
    file: "internal/wasm/store.go",
    find: "func (m *ModuleInstance) applyElements(elems []ElementSegment) {",
    replace: "func (m *ModuleInstance) applyElements(elems []ElementSegment) error {",
  },
  // Of no elements as well.
  {
    file: "internal/wasm/store.go",
    find: `		if !elem.IsActive() ||
			// Per https://github.com/WebAssembly/spec/issues/1427 init can be no-op.
			len(elem.Init) == 0 {
			continue
`,
    replace: `		if !elem.IsActive() {
			continue
`,
  },
  {
    file: "internal/wasm/store.go",
    find: `			// for function invocations.
			return
`,
    replace: `			// for function invocations.
			return fmt.Errorf("%s[%d]: out of bounds table access", SectionIDName(SectionIDElement), elemI)
`,
  },
  {
    file: "internal/wasm/store.go",
    find: `				references[offset+uint32(i)] = Reference(initExprResults[0])
			}
		}
	}
}
`,
    replace: `				references[offset+uint32(i)] = Reference(initExprResults[0])
			}
		}
	}
	return nil
}
`,
  },
];

/** The size of a memory is read as 32 bits, which makes one of 4 GiB an empty one. */
const WHOLE_MEMORY: readonly Patch[] = [
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: "			load.AsExtLoad(ssa.OpcodeUload32, c.moduleCtxPtrValue, c.offset.LocalMemoryLen().U32(), true)\n",
    replace: "			load.AsLoad(c.moduleCtxPtrValue, c.offset.LocalMemoryLen().U32(), ssa.TypeI64)\n",
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: "AsLoad(memInstPtr, memoryInstanceBufSizeOffset, ssa.TypeI32)",
    replace: "AsLoad(memInstPtr, memoryInstanceBufSizeOffset, ssa.TypeI64)",
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: "AsLoad(c.moduleCtxPtrValue, c.offset.LocalMemoryLen().U32(), ssa.TypeI32)",
    replace: "AsLoad(c.moduleCtxPtrValue, c.offset.LocalMemoryLen().U32(), ssa.TypeI64)",
  },
  {
    file: `${COMPILER}/frontend/lower.go`,
    find: `		amount.AsIconst32(uint32(wasm.MemoryPageSizeInBits))
		builder.InsertInstruction(amount)
		memSize := builder.AllocateInstruction().
			AsUshr(memSizeInBytes, amount.Return()).
			Insert(builder).
			Return()
		state.push(memSize)
`,
    replace: `		amount.AsIconst64(uint64(wasm.MemoryPageSizeInBits))
		builder.InsertInstruction(amount)
		memSize := builder.AllocateInstruction().
			AsUshr(memSizeInBytes, amount.Return()).
			Insert(builder).
			Return()
		state.push(builder.AllocateInstruction().AsIreduce(memSize, ssa.TypeI32).Insert(builder).Return())
`,
  },
];

/** Several threads compile a module; a panic of one would end the process, as the caller cannot recover what happens in another goroutine. */
const COMPILATION_PANIC: readonly Patch[] = [
  {
    file: `${COMPILER}/engine.go`,
    find: `				defer wg.Done()

				// Creates new compiler instances`,
    replace: `				defer wg.Done()
				defer func() {
					if r := recover(); r != nil {
						cancel(fmt.Errorf("the compiler failed: %v", r))
					}
				}()

				// Creates new compiler instances`,
  },
];

/** Something is said to have so many elements or bytes, of one at least, that the module is too short for them; `limits.go` has what can be seen from outside. */
function expectSize(file: string, find: string, count: string, result: string): Patch {
  return { file, find, replace: `	if err := expectSize(r, ${count}); err != nil {\n		${result}\n	}\n${find}` };
}

const BINARY = "internal/wasm/binary";
const SIZES: readonly Patch[] = [
  {
    file: `${BINARY}/value.go`,
    find: "func decodeValueTypes(",
    replace: `func expectSize(r *bytes.Reader, size uint32) error {
	if uint64(size) > uint64(r.Len()) {
		return fmt.Errorf("there are %d bytes for %d elements", r.Len(), size)
	}
	return nil
}

func decodeValueTypes(`,
  },
  expectSize(`${BINARY}/value.go`, "	ret := make([]wasm.ValueType, 0, num)\n", "num", "return nil, err"),
  expectSize(`${BINARY}/value.go`, "	buf := make([]byte, size)\n", "size", 'return "", 0, err'),
  {
    file: `${BINARY}/element.go`,
    find: "	vec := make([]wasm.ConstantExpression, vs)\n",
    replace: `	if err := expectSize(r, vs); err != nil {
		return nil, err
	}
	vec := make([]wasm.ConstantExpression, vs)
`,
    times: 2,
  },
  expectSize(`${BINARY}/data.go`, "	ret.Init = make([]byte, vs)\n", "vs", "return err"),
  expectSize(`${BINARY}/names.go`, "	return functionCount, nil\n", "functionCount", "return 0, err"),
  expectSize(`${BINARY}/names.go`, "		locals := make(wasm.NameMap, localCount)\n", "localCount", "return nil, err"),
  // What is wrong with names makes no module wrong: https://webassembly.github.io/spec/core/appendix/custom.html
  {
    file: `${BINARY}/decoder.go`,
    find: "				m.NameSection, err = decodeNameSection(r, uint64(limit))\n",
    replace: `				m.NameSection, err = decodeNameSection(r, uint64(limit))
				if err != nil || sectionContentStart-r.Len() != int(sectionSize) {
					m.NameSection, err = nil, nil
					_, _ = r.Seek(int64(sectionSize)-int64(sectionContentStart-r.Len()), io.SeekCurrent)
				}
`,
  },
];

/** Any text is a name: https://webassembly.github.io/spec/core/syntax/modules.html#imports */
const EMPTY_NAME: readonly Patch[] = [
  {
    file: "internal/wasm/module.go",
    find: `		if imp.Module == "" {
			return fmt.Errorf("import[%d] has an empty module name", i)
		}
`,
    replace: "",
  },
];

export const PATCHES: readonly Patch[] = [
  ...COUNT_DOWN,
  ...NO_GOROUTINE,
  ...NULL_FUNCTION,
  ...ELEMENT_SEGMENT,
  ...WHOLE_MEMORY,
  ...COMPILATION_PANIC,
  ...SIZES,
  ...EMPTY_NAME,
];
