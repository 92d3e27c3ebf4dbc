// composefs push: how it is called. Not here: what it does (push-run.ts), which is loaded when it is asked for.

import { parseArguments } from './arguments.js'
import { wrongUsage } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'

const HELP = 'composefs push --help'
export const PUSH_HELP = `Usage: composefs push IMAGE... --basedir STORE --to TARGET [OPTIONS]

Publishes images with their objects: TARGET is a directory (of a web server), or s3://bucket/prefix. Only what is not there is
brought, several objects at once, and each is checked against its digest on its way. Objects go first and the image last, so
that an image is there only when all that it needs is. Stopped at any point, it goes on when it is run again. An image of
the same name is replaced.

  TARGET/objects/xx/yyyy…   the objects, and beside those of more than a MiB their Merkle trees (yyyy….verity)
  TARGET/NAME               each image, and its tree NAME.verity, by which it can be opened lazily and checked

So when a web server has TARGET at https://host/path:

  composefs cat https://host/path/NAME /etc/os-release --basedir https://host/path/objects

  --basedir STORE     where the objects are: a directory, or an http(s) or s3 URL
  --to TARGET         where they go. Who asks an S3 service is said by the environment, as for the AWS tools:
                      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3
  --jobs N            objects at once; 8 unless given
  --no-verity-trees   no Merkle trees
  --dry-run           only say what would be brought
  --json              the summary as an object

Safe beside \`composefs gc\` of a directory. A gc of a bucket removes nothing while a push goes on; do not start a push while
a gc of its target runs.
${LIMITS_HELP}`

const OPTIONS = {
  basedir: { type: 'string' },
  to: { type: 'string' },
  jobs: { type: 'string' },
  'no-verity-trees': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
  ...LIMIT_OPTIONS,
} as const
const JOBS = 8
const JOBS_MAX = 256

export async function push(args: readonly string[]): Promise<number> {
  const { values, positionals: images } = parseArguments(args, OPTIONS, HELP)
  const { basedir, to, jobs = String(JOBS), json = false } = values
  if (images.length === 0) throw wrongUsage('no image given', HELP)
  if (basedir === undefined) throw wrongUsage('--basedir is needed', HELP)
  if (to === undefined) throw wrongUsage('--to is needed', HELP)
  if (!/^\d{1,4}$/.test(jobs) || Number(jobs) < 1 || Number(jobs) > JOBS_MAX) {
    throw wrongUsage(`--jobs is a number from 1 to ${JOBS_MAX}`, HELP)
  }
  const limits = limitsGiven(values, HELP)
  const { runPush } = await import('./push-run.js')
  const trees = values['no-verity-trees'] !== true
  return runPush({ images, basedir, to, jobs: Number(jobs), trees, dryRun: values['dry-run'] === true, json, limits })
}
