import type { Clock } from '../model.ts'

/**
 * A round robin in which a member that has failed comes last for a while, and is then tried first by a single turn
 * before others rely on it again: finding out whether a host answers may take as long as a connect timeout.
 */
export interface Rotation<Member> {
  /** Every member once, in the order to try them. */
  turn(): readonly Member[]
  /** Reports a member as unreachable. */
  readonly failed: (member: Member) => void
  /** Reports that a member has answered: one that is being tried is back at once. */
  readonly answered: (member: Member) => void
  /** Reports that a member was given up before it had answered or failed: one that is being tried is tried again. */
  readonly abandoned: (member: Member) => void
}

export interface RotationTimes {
  /** How long a failed member stays behind before it is tried, in ms. */
  readonly coolDownMs: number
  /** A member that has neither answered nor failed this long after it was tried is taken to be back, in ms. */
  readonly trialMs: number
}

/** A member that has failed waits to be tried, and then for the result. */
interface Down {
  readonly phase: 'cool-down' | 'trial'
  readonly until: number
}

export function createRotation<Member>(
  members: readonly Member[],
  { coolDownMs, trialMs }: RotationTimes,
  clock: Clock,
): Rotation<Member> {
  const downs = new Map<Member, Down>()
  let first = -1

  return {
    turn() {
      if (members.length === 1) return members
      first = (first + 1) % members.length
      const rotated = [...members.slice(first), ...members.slice(0, first)]
      const now = clock.now()
      const mayLead = rotated.map((member, at) => {
        const down = downs.get(member)
        if (down === undefined || (down.phase === 'trial' && down.until <= now)) return true
        if (at > 0 || down.until > now) return false
        downs.set(member, { phase: 'trial', until: now + trialMs })
        return true
      })
      return [...rotated.filter((_, at) => mayLead[at]), ...rotated.filter((_, at) => !mayLead[at])]
    },
    failed(member) {
      downs.set(member, { phase: 'cool-down', until: clock.now() + coolDownMs })
    },
    answered(member) {
      if (downs.get(member)?.phase === 'trial') downs.delete(member)
    },
    abandoned(member) {
      const [down, now] = [downs.get(member), clock.now()]
      if (down?.phase === 'trial' && down.until > now) downs.set(member, { phase: 'cool-down', until: now })
    },
  }
}
