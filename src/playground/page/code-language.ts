// Which language a text is in, by its file's name or its first line; each is loaded when it is first needed. Not here: how it is
// coloured (code-theme.ts).

import { LanguageDescription, type LanguageSupport } from '@codemirror/language'
import { languages } from '@codemirror/language-data'

/** What `#!` lines name, without version numbers. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  sh: 'Shell',
  bash: 'Shell',
  dash: 'Shell',
  ash: 'Shell',
  ksh: 'Shell',
  zsh: 'Shell',
  python: 'Python',
  pypy: 'Python',
  perl: 'Perl',
  ruby: 'Ruby',
  node: 'JavaScript',
  nodejs: 'JavaScript',
  deno: 'TypeScript',
  bun: 'TypeScript',
  php: 'PHP',
  lua: 'Lua',
  tclsh: 'Tcl',
  wish: 'Tcl',
  guile: 'Scheme',
  Rscript: 'R',
}

/** Files whose names say more than the library knows. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(?:\.?(?:bashrc|bash_profile|profile|zshrc|bash_completion)|os-release|PKGBUILD|APKBUILD)$/, 'Shell'],
  [
    /\.(?:service|socket|timer|target|mount|path|slice|network|netdev|link|desktop|repo|conf|cfg|cnf)$/,
    'Properties files',
  ],
  [/^(?:\.gitconfig|\.editorconfig|\.npmrc)$/, 'Properties files'],
  [/\.(?:svg|xhtml|plist|rss|kml|gir|ui)$/, 'XML'],
  [/\.(?:mts|cts)$/, 'TypeScript'],
  [/\.(?:jsonc|json5|map|webmanifest)$/, 'JSON'],
  [/^(?:Containerfile|Dockerfile\..*)$/, 'Dockerfile'],
  [/^(?:.*\.lock|Cargo\.lock)$/, 'TOML'],
]

function named(name: string): LanguageDescription | null {
  return LanguageDescription.matchLanguageName(languages, name, false)
}

function byFirstLine(text: string): LanguageDescription | null {
  const line = /^#![^\n]{0,200}/.exec(text)?.[0]
  const program =
    line === undefined
      ? undefined
      : /([^\s/]+?)[\d.]*(?:\s|$)/.exec(line.replace(/^#!\s*\S*\/env\s+(?:-\S+\s+)*/, '').replace(/^#!\s*/, ''))?.[1]
  const words = program === undefined || !Object.hasOwn(INTERPRETERS, program) ? undefined : INTERPRETERS[program]
  return words === undefined ? null : named(words)
}

/** null for a text in no language that is known. `language`: its name, where it is known anyway. */
export function languageOf(fileName: string, text: string, language?: string): LanguageDescription | null {
  if (language !== undefined) return named(language)
  const listed = NAMES.find(([pattern]) => pattern.test(fileName))
  return (
    byFirstLine(text) ??
    LanguageDescription.matchFilename(languages, fileName) ??
    (listed === undefined ? null : named(listed[1]))
  )
}

export async function loadLanguage(found: LanguageDescription): Promise<LanguageSupport> {
  return found.support ?? (await found.load())
}
