// Tests that only join others, or look at the message as a whole (RFC 5228 §5.2 – §5.10), and `ihave` (RFC 5463).
import { numberOf, templatesOf } from '../language/arguments.ts'
import type { TestDefinition } from '../language/definitions.ts'

const allof: TestDefinition = {
  name: 'allof',
  tests: 'list',
  async evaluate({ tests }, run) {
    // RFC 5229 §3.2: from left to right, and no further than needed.
    for (const test of tests) if (!(await run.evaluate(test))) return false
    return true
  },
}

const anyof: TestDefinition = {
  name: 'anyof',
  tests: 'list',
  async evaluate({ tests }, run) {
    for (const test of tests) if (await run.evaluate(test)) return true
    return false
  },
}

const not: TestDefinition = {
  name: 'not',
  tests: 'one',
  async evaluate({ tests: [test] }, run) {
    return test !== undefined && !(await run.evaluate(test))
  },
}

const size: TestDefinition = {
  name: 'size',
  tags: { over: { group: 'over or under' }, under: { group: 'over or under' } },
  parameters: [{ name: 'a size (100K)', kind: 'number' }],
  check(call, checker) {
    if (call.tags.size === 0) checker.problem(call, 'size says :over or :under: size :over 100K.')
  },
  evaluate({ tags, arguments: [limit] }, run) {
    const value = numberOf(limit) ?? 0
    return tags.has('over') ? run.message.size > value : run.message.size < value
  },
}

const exists: TestDefinition = {
  name: 'exists',
  parameters: [{ name: 'names of fields', kind: 'string-list' }],
  evaluate({ arguments: [names] }, run) {
    return run.strings(names).every(name => run.message.values(name).length > 0)
  },
}

const ihave: TestDefinition = {
  name: 'ihave',
  extensions: ['ihave'],
  parameters: [{ name: 'names of extensions', kind: 'string-list' }],
  check({ arguments: [names] }, checker) {
    for (const name of templatesOf(names))
      if (name.constant === undefined)
        checker.problem(name, 'The name of an extension stands as it is: no variable can be in it.')
  },
  evaluate({ arguments: [names] }, run) {
    const asked = run.strings(names)
    const { extensions } = run.frame.script
    if (!asked.every(name => extensions.has(name) || run.frame.script.conditional.has(name))) return false
    for (const name of asked) run.frame.enabled.add(name)
    return true
  },
}

export const plainTests: readonly TestDefinition[] = [
  allof,
  anyof,
  not,
  size,
  exists,
  ihave,
  { name: 'true', evaluate: () => true },
  { name: 'false', evaluate: () => false },
]
