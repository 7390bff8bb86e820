/** Most tags of a response, longest tag in bytes: a response that cannot be purged by all its tags is not stored. */
export const MAX_TAGS = 128
export const LONGEST_TAG = 256
