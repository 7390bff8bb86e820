import type { ChaosRules, Fates } from '../../src/chaos/fate.ts'
import { createFates } from '../../src/chaos/fate.ts'
import { seededRandom } from '../../src/chaos/random.ts'
import type { Clock } from '../../src/model.ts'

export function rules(given: Partial<ChaosRules> = {}): ChaosRules {
  return { errorRate: 0, delay: { min: 0, max: 0 }, corruption: 0, ...given }
}

export function fates(given: Partial<ChaosRules>, clock: Clock, seed = 1): Fates {
  return createFates(rules(given), clock, seededRandom(seed, 'test'))
}
