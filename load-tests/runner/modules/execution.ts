/** `k6/execution`: who is running, and the how manieth time. */
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
