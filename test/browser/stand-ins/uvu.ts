// uvu's suites, collected and not run: whoever has loaded them runs each of their tests when told to.

type Run = () => unknown

export interface CollectedTest {
  readonly name: string
  readonly run: Run
}

const collected: CollectedTest[] = []

export function suite(title: string) {
  const test = (name: string, run: Run) => void collected.push({ name: `${title}: ${name}`, run })
  return Object.assign(test, { skip: () => {}, run: () => {} })
}

export function collectedTests(): readonly CollectedTest[] {
  return collected
}
