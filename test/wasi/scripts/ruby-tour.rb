# Parts of the library, read from /ruby, and what programs do with files, in /work. Prints what came of it, the same on every host.
$LOAD_PATH.replace(['/ruby/3.2.0', '/ruby/3.2.0/wasm32-wasi'])
before = $LOADED_FEATURES.size
%w[json set csv erb fileutils find optparse ostruct pathname pstore securerandom shellwords tempfile time tmpdir uri].each do |name|
  require name
rescue LoadError => error
  puts "#{name}: #{error.message}"
end
added = $LOADED_FEATURES.drop(before)
puts "#{added.count { |path| path.start_with?('/ruby/') }} features from the image"
puts added.grep(%r{^/wlr-rubies}).inspect

def try(what)
  puts "#{what}: #{yield.inspect}"
rescue SystemCallError, IOError, ArgumentError, NotImplementedError => error
  puts "#{what}: #{error.class}"
end

libraries = Dir.glob('/ruby/3.2.0/{json,yaml,set}*').sort
try('glob') { libraries.map { |path| [path, File.ftype(path), File.directory?(path) ? Dir.children(path).sort : File.size(path)] } }
try('glob of all') { Dir.glob('/ruby/3.2.0/**/*.rb').sort.then { |all| [all.size, all.first, all.last, all.sum { |path| File.size(path) }] } }
try('find') { Find.find('/ruby/3.2.0/json').to_a.sort }
try('read') { Dir.glob('/ruby/3.2.0/optparse/*.rb').sort.map { |path| File.read(path).sum } }

FileUtils.mkdir_p('/work/a/b/c')
Dir.chdir('/work')
try('pwd') { Dir.pwd }
try('write') { File.write('a/one', "first\nsecond\n") }
try('append') { File.open('a/one', 'a') { |file| file.write("third\n") } && File.readlines('a/one') }
try('seek') { File.open('a/one', 'r+') { |file| file.seek(6) && file.write('SECOND') && file.rewind && file.read } }
try('pread') { File.open('a/one') { |file| [file.pread(5, 0), file.pread(100, 13), file.pos] } }
try('truncate') { File.truncate('a/one', 5) && File.read('a/one') }
try('binary') { File.binwrite('a/bytes', (0..255).map(&:chr).join * 1000) && File.size('a/bytes') }
try('sum') { File.binread('a/bytes').sum }
try('symlink') { File.symlink('one', 'a/link') && [File.readlink('a/link'), File.read('a/link'), File.lstat('a/link').ftype] }
try('dangling') { File.symlink('nowhere', 'a/dangling') && [File.exist?('a/dangling'), File.symlink?('a/dangling'), Dir.children('a').sort] }
try('link') { File.link('a/one', 'a/two') && [File.stat('a/two').nlink, File.identical?('a/one', 'a/two')] }
try('rename') { File.rename('a/two', 'a/b/three') && Dir.glob('a/**/*').sort }
try('utime') { File.utime(Time.at(1_000_000_000), Time.at(1_100_000_000), 'a/one') && File.mtime('a/one').to_i }
try('realpath') { File.realpath('a/b/../link') }
try('no such') { File.read('a/none') }
try('exists') { Dir.mkdir('a/b') }
try('not empty') { Dir.rmdir('a/b') }
try('no directory') { File.read('a/one/x') }
try('is a directory') { File.open('a/b', 'w') }
try('exclusive') { File.open('a/one', File::CREAT | File::EXCL | File::WRONLY) }
try('loop') { File.symlink('loop', 'a/loop') && File.read('a/loop') }
try('cp_r') { FileUtils.rm('a/loop') && FileUtils.cp_r('a', 'copy') && Dir.glob('copy/**/*').sort }
try('mv') { FileUtils.mv('copy/b', 'moved') && Dir.glob('{copy,moved}/**/*').sort }
try('compare') { FileUtils.compare_file('a/bytes', 'copy/bytes') }
try('each_entry') { Dir.each_child('a').to_a.sort }
try('Pathname') { Pathname('a').children.map(&:to_s).sort }
Dir.mkdir('tmp')
try('Tempfile') { Tempfile.create('x', 'tmp') { |file| file.write('temporary') && file.flush && [File.size(file.path), Dir.children('tmp').size] } }
try('Tempfile gone') { Dir.children('tmp') }
try('mktmpdir') { Dir.mktmpdir('d', 'tmp') { |dir| File.write("#{dir}/f", 'x') && Dir.children(dir) } }
try('PStore') { PStore.new('store').transaction { |kept| kept[:a] = { 'b' => [1, 2.5, nil] } } && PStore.new('store').transaction(true) { |kept| kept[:a] } }
try('JSON') { File.write('j', JSON.generate('a' => [1, nil])) && JSON.parse(File.read('j')) }
try('CSV') { File.write('c', "a,b\n1,\"2,3\"\n") && CSV.read('c') }
try('ERB') { ERB.new('<% 3.times do |i| %><%= i %>,<% end %>').result }
try('rm_rf') { FileUtils.rm_rf(%w[a copy moved]) && Dir.children('.').sort }
