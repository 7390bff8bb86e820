/** Secrets: messages about an invalid one do not repeat it. */
import * as z from 'zod'
import { ADMIN_TOKEN } from '../admin-token.ts'
import { expectedSecret } from '../fault.ts'

const sealExpected = expectedSecret('a secret of at least 16 characters')
/** Without it nobody can put anything into a shared tier that would be believed. */
export const seal = z.string(sealExpected).min(16, sealExpected)

const secret = expectedSecret('a token of visible ASCII characters without spaces, not empty')
export const token = z.string(secret).regex(ADMIN_TOKEN, secret)
