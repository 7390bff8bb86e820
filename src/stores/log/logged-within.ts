import { HerdgateError } from '../../errors.ts'
import type { Clock } from '../../model.ts'

/**
 * The result of logging a record, if it comes in time; logging goes on in any case. If the event loop was blocked, a
 * result that has come in meanwhile still counts.
 * @throws HerdgateError `not_logged` after `ms`
 */
export function loggedWithin<T>(ms: number, logging: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new HerdgateError('not_logged', `not logged within ${ms} ms`))
    const cancel = clock.after(ms, () => void setImmediate(tooLate))
    logging.then(resolve, reject).finally(cancel)
  })
}
