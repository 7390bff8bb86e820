/** All of the project's parsers, small ones grouped. A new parser belongs in one of these or in a target of its own. */
import type { Target } from './target.ts'
import { addresses } from './targets/addresses.ts'
import { configuration } from './targets/configuration.ts'
import { directives } from './targets/directives.ts'
import { forwarding } from './targets/forwarding.ts'
import { keys } from './targets/keys.ts'
import { ranges } from './targets/ranges.ts'
import { requests } from './targets/requests.ts'
import { responses } from './targets/responses.ts'
import { selection } from './targets/selection.ts'
import { stored } from './targets/stored.ts'
import { tags } from './targets/tags.ts'
import { texts } from './targets/texts.ts'
import { validators } from './targets/validators.ts'
import { wire } from './targets/wire.ts'

export const targets: readonly Target[] = [
  directives,
  responses,
  selection,
  tags,
  validators,
  requests,
  ranges,
  addresses,
  keys,
  forwarding,
  texts,
  configuration,
  stored,
  wire,
]
