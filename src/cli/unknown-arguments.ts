import type { Command } from 'commander'
import type { Fault } from '../config.ts'
import { didYouMean } from '../config/fault.ts'
import { nearest } from '../config/nearest.ts'

/**
 * The arguments that a command does not know, as faults to be reported with those of the values.
 * @param commands names of all commands
 */
export function unknownArguments(command: Command, commands: readonly string[]): Fault[] {
  const known = command.options.map(({ long }) => long ?? '')
  const isFlag = (argument: string | undefined) => argument?.startsWith('-') === true
  return command.args.flatMap((argument, index, all) => {
    if (isFlag(argument)) {
      const [where = argument] = argument.split('=')
      return [{ where, key: '', message: `unknown flag${didYouMean(nearest(where, known))}` }]
    }
    const isValueOfUnknown = isFlag(all[index - 1])
    if (isValueOfUnknown) return []
    return [{ where: argument, key: '', message: `unexpected argument${hintFor(argument, commands)}` }]
  })
}

function hintFor(argument: string, commands: readonly string[]): string {
  if (commands.includes(argument)) return '; the command comes first'
  if (/^https?:\/\//i.test(argument)) return '; give an origin with --origin'
  if (/\.(?:ya?ml|json)$/i.test(argument)) return '; give a configuration file with --config'
  return didYouMean(nearest(argument, commands))
}
