/** `k6/execution`: the user that is running, and the number of its iteration. */
import { currentTurn } from '../context.ts'

export default {
  vu: {
    get idInTest(): number {
      return currentTurn().user.id
    },
  },
  scenario: {
    get name(): string {
      return currentTurn().scenario
    },
    get iterationInTest(): number {
      return currentTurn().iteration
    },
  },
}
