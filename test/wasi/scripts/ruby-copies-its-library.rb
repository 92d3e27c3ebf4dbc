# The library is packed into the program: it goes to where it can be made an image of.
require 'fileutils'

FileUtils.mkdir_p('/ruby')
FileUtils.cp_r('/wlr-rubies/lib/ruby/3.2.0', '/ruby/3.2.0')
puts Dir.glob('/ruby/**/*').size
