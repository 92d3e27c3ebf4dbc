// Edge counters for a core that is to be fuzzed: at each function's start, each arm of a branch, each turn of a loop, a byte in
// memory is counted up, and each turn of a loop takes one from a count of steps, at whose end the core traps. So a run says which
// ways it went, and one without end has one. Not here: what is done with it (wasm/fuzz-core.ts).
import binaryen from 'assemblyscript/binaryen'

/** Where the count of steps is, and where the counters begin; what the core itself has begins above (its --memoryBase). */
export const STEPS_AT = 16
export const COUNTERS_AT = 64

class Instrumenter {
  #module
  edges = 0

  constructor(module) {
    this.#module = module
  }

  #count() {
    const { i32 } = this.#module
    const at = COUNTERS_AT + this.edges++
    // Stays at 255, so that a multiple of 256 is not taken for none.
    const before = i32.load8_u(0, 0, i32.const(at))
    const again = i32.load8_u(0, 0, i32.const(at))
    return i32.store8(0, 0, i32.const(at), i32.add(before, i32.ne(again, i32.const(255))))
  }

  #step() {
    const m = this.#module
    const left = () => m.i32.load(0, 0, m.i32.const(STEPS_AT))
    return m.block(null, [
      m.if(m.i32.eqz(left()), m.unreachable()),
      m.i32.store(0, 0, m.i32.const(STEPS_AT), m.i32.sub(left(), m.i32.const(1))),
    ])
  }

  #counted(body, loops = false) {
    const type = binaryen.getExpressionType(body)
    return this.#module.block(null, [this.#count(), ...(loops ? [this.#step()] : []), body], type)
  }

  function(func) {
    const { module, body } = binaryen.getFunctionInfo(func)
    if (module !== '') return
    this.#visit(body)
    binaryen.Function.setBody(func, this.#counted(body))
  }

  #visit(expression) {
    if (expression === 0) return
    const b = binaryen
    const id = b.getExpressionId(expression)
    const visit = next => this.#visit(next)
    if (id === b.BlockId) this.#block(expression)
    else if (id === b.IfId) this.#if(expression)
    else if (id === b.LoopId) {
      const body = b.Loop.getBody(expression)
      visit(body)
      b.Loop.setBody(expression, this.#counted(body, true))
    } else for (const next of operands(id, expression)) visit(next)
  }

  #if(expression) {
    const { If } = binaryen
    const [yes, no] = [If.getIfTrue(expression), If.getIfFalse(expression)]
    this.#visit(If.getCondition(expression))
    this.#visit(yes)
    this.#visit(no)
    If.setIfTrue(expression, this.#counted(yes))
    if (no !== 0) If.setIfFalse(expression, this.#counted(no))
  }

  /** What follows a conditional branch in a block is the way on which it was not taken. */
  #block(expression) {
    const { Block, Break, BreakId } = binaryen
    const count = Block.getNumChildren(expression)
    const children = Array.from({ length: count }, (_, i) => Block.getChildAt(expression, i))
    for (const child of children) this.#visit(child)
    for (let i = count - 1; i >= 0; i--) {
      const branches = binaryen.getExpressionId(children[i]) === BreakId && Break.getCondition(children[i]) !== 0
      // The last one's value, if it has any, is the block's.
      if (branches && i < count - 1) Block.insertChildAt(expression, i + 1, this.#count())
    }
  }
}

/** What an expression is made of that is no block, branch or loop. */
function operands(id, expression) {
  const b = binaryen
  const kinds = new Map([
    [b.LocalSetId, [b.LocalSet.getValue]],
    [b.GlobalSetId, [b.GlobalSet.getValue]],
    [b.ReturnId, [b.Return.getValue]],
    [b.DropId, [b.Drop.getValue]],
    [b.StoreId, [b.Store.getPtr, b.Store.getValue]],
    [b.LoadId, [b.Load.getPtr]],
    [b.UnaryId, [b.Unary.getValue]],
    [b.BinaryId, [b.Binary.getLeft, b.Binary.getRight]],
    [b.SelectId, [b.Select.getCondition, b.Select.getIfTrue, b.Select.getIfFalse]],
    [b.BreakId, [b.Break.getCondition, b.Break.getValue]],
    [b.SwitchId, [b.Switch.getCondition, b.Switch.getValue]],
    [b.MemoryCopyId, [b.MemoryCopy.getDest, b.MemoryCopy.getSource, b.MemoryCopy.getSize]],
    [b.MemoryFillId, [b.MemoryFill.getDest, b.MemoryFill.getValue, b.MemoryFill.getSize]],
  ])
  if (id === b.CallId) {
    return Array.from({ length: b.Call.getNumOperands(expression) }, (_, i) => b.Call.getOperandAt(expression, i))
  }
  return (kinds.get(id) ?? []).map(get => get(expression))
}

/** A module with counters: its bytes, and how many there are. Throws where what comes out is none. */
export function instrument(bytes) {
  const module = binaryen.readBinary(bytes)
  try {
    module.setFeatures(binaryen.Features.All)
    const instrumenter = new Instrumenter(module)
    const functions = Array.from({ length: module.getNumFunctions() }, (_, i) => module.getFunctionByIndex(i))
    for (const func of functions) instrumenter.function(func)
    if (module.validate() !== 1) throw new Error('the instrumented core does not validate')
    return { bytes: module.emitBinary(), edges: instrumenter.edges }
  } finally {
    module.dispose()
  }
}
