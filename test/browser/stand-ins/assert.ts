// Of node:assert what tests use.
export { equal as deepStrictEqual } from 'uvu/assert'
