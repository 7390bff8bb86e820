/** How many tags a response may have, and how long one may be, in bytes: what cannot be purged by all of them is not stored. */
export const MOST_TAGS = 128
export const LONGEST_TAG = 256
