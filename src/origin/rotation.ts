import type { Clock } from '../model.ts'

/** A round robin in which a member that has just failed comes last for a while. */
export interface Rotation<Member> {
  /** Every member once, in the order to try them. */
  turn(): readonly Member[]
  /** Reports a member as unreachable: until its cool-down is over it is tried only after the others. */
  readonly failed: (member: Member) => void
}

/** @param coolDownMs how long a failed member stays behind */
export function createRotation<Member>(members: readonly Member[], coolDownMs: number, clock: Clock): Rotation<Member> {
  const coolUntil = new Map<Member, number>()
  let first = -1

  const isUp = (member: Member, now: number) => (coolUntil.get(member) ?? 0) <= now
  return {
    turn() {
      if (members.length === 1) return members
      first = (first + 1) % members.length
      const rotated = [...members.slice(first), ...members.slice(0, first)]
      const now = clock.now()
      return [...rotated.filter((member) => isUp(member, now)), ...rotated.filter((member) => !isUp(member, now))]
    },
    failed(member) {
      coolUntil.set(member, clock.now() + coolDownMs)
    },
  }
}
