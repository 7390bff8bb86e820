/** Keeps a process within its memory: collects garbage in time, shrinks the store, then reports memory as short. */
import type { Logger } from 'pino'
import { heldBytes } from '../body.ts'
import { DeadBuffers } from '../heap/dead-buffers.ts'
import { isContainerFull, type MemoryCeilings, memoryCeilings } from '../heap/memory-ceilings.ts'
import { MemoryPressure, type Yielding } from '../heap/memory-pressure.ts'
import type { Clock, ProcessPressure, Store } from '../model.ts'

export interface WatchedMemory {
  readonly clock: Clock
  readonly logger: Logger
  readonly store: Yielding & Pick<Store, 'usage'>
  /** Share of the container's memory, from 0 to 1. */
  readonly containerShare: number
  /** What happens while memory is short although the store has shrunk; for the log. */
  readonly whileShort: string
  /** What happens while hardly any is left; for the log. Absent: nothing more. */
  readonly whileExhausted?: string
}

export interface MemoryWatch {
  readonly pressure: ProcessPressure
  close(): void
}

export function watchMemory({ clock, logger, store, containerShare, ...happens }: WatchedMemory): MemoryWatch {
  const { whileShort, whileExhausted } = happens
  const deadBuffers = new DeadBuffers({ clock, held: () => heldBy(store) + heldBytes() })
  const pressure = new MemoryPressure({
    clock,
    ceilings: ceilingsOf(containerShare),
    // What one of several processes has beyond its share, malloc may keep for good.
    ...(containerShare < 1 && { isContainerFull }),
    store: {
      giveWay() {
        const givenUp = store.giveWay()
        if (givenUp > 0)
          logger.warn({ givenUp, holds: heldBy(store) }, 'memory is short: the store holds less from now on')
        return givenUp
      },
      regain() {
        const regained = store.regain()
        if (regained === 0) logger.info('the store may use its full size again')
        return regained
      },
    },
    changed(high, use) {
      if (high) logger.warn(use, `memory is short: ${whileShort} for now`)
      else logger.info(use, 'memory is no longer short')
    },
    exhaustion(isExhausted, use) {
      if (whileExhausted === undefined) return
      if (isExhausted) logger.warn(use, `memory is exhausted: ${whileExhausted} for now`)
      else logger.info(use, 'memory is no longer exhausted')
    },
  })
  return {
    pressure,
    close() {
      pressure.close()
      deadBuffers.close()
    },
  }
}

const heldBy = (store: WatchedMemory['store']): number => store.usage().reduce((sum, { bytes }) => sum + bytes, 0)

function ceilingsOf(share: number): MemoryCeilings {
  const { heap, container } = memoryCeilings()
  return { heap, container: container && container * share }
}
