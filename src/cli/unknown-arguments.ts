import type { Command, Option } from 'commander'
import type { Fault } from '../config.ts'
import { didYouMean } from '../config/fault.ts'
import { nearest } from '../config/nearest.ts'

/**
 * The arguments that a command does not know, as faults to be reported with those of the values.
 * @param commands names of all commands
 */
export function unknownArguments(command: Command, commands: readonly string[]): Fault[] {
  const isFlag = (argument: string | undefined) => argument?.startsWith('-') === true
  return command.args.flatMap((argument, index, all) => {
    if (isFlag(argument)) {
      const [where = argument, value] = argument.split('=')
      return [{ where, key: '', message: whyNotRead(where, value, command) }]
    }
    const isValueOfUnknown = isFlag(all[index - 1])
    if (isValueOfUnknown) return []
    return [{ where: argument, key: '', message: `unexpected argument${hintFor(argument, commands)}` }]
  })
}

/** A flag that the command has is not read after `--`, nor with a value if it takes none. */
function whyNotRead(flag: string, value: string | undefined, command: Command): string {
  const options = command.createHelp().visibleOptions(command) // those of `options` and --help
  const known = options.find(({ long, short }) => long === flag || short === flag)
  if (known === undefined) return `unknown flag${didYouMean(nearest(flag, namesOf(options)))}`
  return value !== undefined && !known.required ? 'takes no value' : 'comes after "--", where no flag is read'
}

const namesOf = (options: readonly Option[]): string[] => options.map(({ long }) => long ?? '')

function hintFor(argument: string, commands: readonly string[]): string {
  if (commands.includes(argument)) return '; the command comes first'
  if (/^https?:\/\//i.test(argument)) return '; give an origin with --origin'
  if (/\.(?:ya?ml|json)$/i.test(argument)) return '; give a configuration file with --config'
  return didYouMean(nearest(argument, commands))
}
