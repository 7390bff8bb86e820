/** The values a setting can have, wherever it is set: in the file, by a flag or in the environment. */
export * from './leaves/choices.ts'
export * from './leaves/names.ts'
export * from './leaves/numbers.ts'
export * from './leaves/places.ts'
export * from './leaves/secrets.ts'
