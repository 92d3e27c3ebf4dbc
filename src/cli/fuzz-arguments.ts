// composefs fuzz: how it is called. Not here: what the options mean (fuzz.ts).

export const FUZZ_HELP = `Usage: composefs fuzz [TARGET...] [--seconds N] [--runs N] [--seed S] [--corpus DIR] [--json]
       composefs fuzz --oracle NAME[,NAME...] [--runs N] [--seed S] [--corpus DIR] [--image-seconds N] [--json]

Runs a part of this program with inputs that are made to break it, and says which of its promises any of them breaks. Inputs that
go a new way through the WebAssembly core are kept and changed further. Without TARGET all take their turns, each with its share of
the seconds; without TARGET, --seconds and --runs they are listed, with what each promises. A TARGET alone goes on until Ctrl-C.

  --seconds N    how long, for all targets
  --runs N       how many inputs, for each target
  --seed S       a number that all else follows from: the same seed and runs give the same corpus and findings. One at random
                 unless given; it is among the results
  --corpus DIR   inputs that go a new way are kept as DIR/TARGET/SHA256 and are gone on with, as if the fuzzer had never ended;
                 files put there are taken too. What breaks a promise goes to DIR/TARGET/crashes, made smaller, with a .json that
                 says what it breaks
  --json         the results as an array
  --oracle NAME  compares instead what is read of changed images with what others read of them: kernel (as root), fsck.erofs,
                 dump.erofs, composefs-info (COMPOSEFS_INFO may name it), plain (a decoder in plain TypeScript), or all. Images with disagreements that are not known go
                 to DIR, oracles unless given, with report.txt and report.jsonl; 1000 images for each unless --runs says otherwise
  --image-seconds N
                 how long an oracle may take for an image; 10 unless given

The exit status is 1 where a promise was broken, or others disagree.
`

export const FUZZ_OPTIONS = {
  seconds: { type: 'string' },
  runs: { type: 'string' },
  seed: { type: 'string' },
  corpus: { type: 'string' },
  json: { type: 'boolean' },
  oracle: { type: 'string' },
  'image-seconds': { type: 'string' },
} as const
