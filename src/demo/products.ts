/** A catalogue of a million products, each the same for everybody until it is changed. */
export interface Products {
  /** undefined: there is no such product. */
  find(id: string): Product | undefined
  /** Makes a new version with another price. */
  change(id: string): Product | undefined
}

export interface Product {
  readonly id: number
  readonly name: string
  readonly priceCents: number
  readonly version: number
}

const MATERIALS = ['Oak', 'Brass', 'Linen', 'Slate', 'Cork', 'Copper', 'Birch'] as const
const THINGS = [
  'lamp',
  'chair',
  'kettle',
  'shelf',
  'clock',
  'table',
  'bowl',
  'stool',
  'mirror',
  'basket',
  'tray',
] as const
const ID = /^(?:0|[1-9][0-9]{0,5})$/

/** @param maxChanged how many changes are remembered; the oldest is forgotten first. */
export function products(maxChanged = 10_000): Products {
  const versions = new Map<number, number>()

  return {
    find: (id) => (ID.test(id) ? productAt(Number(id), versions.get(Number(id)) ?? 1) : undefined),

    change(id) {
      if (!ID.test(id)) return undefined
      const version = (versions.get(Number(id)) ?? 1) + 1
      versions.delete(Number(id))
      versions.set(Number(id), version)
      forgetOldest(versions, maxChanged)
      return productAt(Number(id), version)
    },
  }
}

function productAt(id: number, version: number): Product {
  const name = `${MATERIALS[id % MATERIALS.length]} ${THINGS[id % THINGS.length]}`
  return { id, name, priceCents: 995 + ((id * 37 + version * 100) % 9_000), version }
}

function forgetOldest(versions: Map<number, number>, max: number): void {
  for (const id of versions.keys()) {
    if (versions.size <= max) return
    versions.delete(id)
  }
}
