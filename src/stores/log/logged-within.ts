import { HerdgateError } from '../../errors.ts'
import type { Clock } from '../../model.ts'

/**
 * What the logging of a record comes to, if that is in time. It goes on all the same. Where the process was held up, what
 * has come in by then still counts.
 * @throws HerdgateError `not_logged`
 */
export function loggedWithin<T>(ms: number, logging: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new HerdgateError('not_logged', `not logged within ${ms} ms`))
    const cancel = clock.after(ms, () => void setImmediate(tooLate))
    logging.then(resolve, reject).finally(cancel)
  })
}
