// Does what POSIX programs do to files, in the directory that it is told, and prints what came of each step. The same program prints
// the same over any filesystem: no inode numbers, no times but those that it set.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The name, since each C library has its own words. */
static const char *why(void) {
  static const struct {
    int number;
    const char *name;
  } known[] = {{EBADF, "EBADF"},   {EEXIST, "EEXIST"}, {EINVAL, "EINVAL"},       {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"},
               {ENOENT, "ENOENT"}, {ENOTDIR, "ENOTDIR"}, {ENOTEMPTY, "ENOTEMPTY"}, {EPERM, "EPERM"},   {EBUSY, "EBUSY"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].number == errno) return known[i].name;
  return strerror(errno);
}

#define SAY(call) say(#call, (long long)(call))

static void say(const char *what, long long result) {
  if (result < 0) printf("%s = %lld %s\n", what, result, why());
  else printf("%s = %lld\n", what, result);
}

static void show(const char *path) {
  struct stat s;
  if (lstat(path, &s) != 0) {
    printf("  %s: %s\n", path, why());
    return;
  }
  int type = S_ISDIR(s.st_mode) ? 'd' : S_ISLNK(s.st_mode) ? 'l' : S_ISREG(s.st_mode) ? '-' : '?';
  printf("  %s: %c", path, type);
  if (type == '-') printf(" %lld bytes, %llu links", (long long)s.st_size, (unsigned long long)s.st_nlink);
  putchar('\n');
}

static void content(const char *path) {
  char bytes[64];
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("  %s: %s\n", path, why());
    return;
  }
  ssize_t length = read(fd, bytes, sizeof bytes);
  printf("  %s: '", path);
  for (ssize_t i = 0; i < length; i++) putchar(bytes[i] == 0 ? '.' : bytes[i]);
  puts("'");
  close(fd);
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) != 0) printf("  put %s: %s\n", path, why());
}

static void files(void) {
  char bytes[32] = {0};
  int fd;
  SAY((fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0644)) >= 0);
  SAY(open("new", O_RDWR | O_CREAT | O_EXCL, 0644));
  SAY(write(fd, "hello world", 11));
  SAY(lseek(fd, -5, SEEK_END));
  SAY(read(fd, bytes, 32));
  SAY(pread(fd, bytes, 5, 0));
  SAY(pwrite(fd, "HELLO", 5, 0));
  SAY(lseek(fd, 0, SEEK_CUR));
  SAY(lseek(fd, 20, SEEK_SET));
  SAY(write(fd, "!", 1));
  content("new");
  SAY(ftruncate(fd, 5));
  SAY(ftruncate(fd, 8));
  SAY(lseek(fd, -1, SEEK_SET));
  SAY(read(fd, bytes, 1));
  content("new");
  SAY(posix_fallocate(fd, 0, 12));
  SAY(fsync(fd));
  SAY(fdatasync(fd));
  SAY(close(fd));
  SAY(close(fd));
  SAY((fd = open("new", O_WRONLY | O_APPEND)) >= 0);
  SAY(write(fd, "end", 3));
  SAY(lseek(fd, 0, SEEK_SET));
  SAY(write(fd, "END", 3));
  SAY(lseek(fd, 0, SEEK_CUR));
  SAY(read(fd, bytes, 1));
  SAY(close(fd));
  content("new");
  SAY((fd = open("new", O_RDONLY)) >= 0);
  SAY(write(fd, "x", 1));
  SAY(unlink("new"));
  SAY(read(fd, bytes, 5));
  show("new");
  SAY(close(fd));
  SAY(open("none", O_RDONLY));
  SAY(open("none/x", O_RDONLY | O_CREAT, 0644));
  SAY(truncate("none", 0));
}

static void names(void) {
  put("a", "a");
  put("b", "bb");
  SAY(rename("a", "b"));
  content("b");
  show("a");
  SAY(link("b", "c"));
  SAY(link("b", "c"));
  show("c");
  SAY(rename("b", "c"));
  show("b");
  SAY(unlink("b"));
  show("c");
  SAY(symlink("c", "s"));
  SAY(symlink("nowhere", "dangling"));
  SAY(symlink("loop", "loop"));
  char target[16];
  SAY(readlink("s", target, 16));
  SAY(readlink("dangling", target, 3));
  SAY(readlink("c", target, 16));
  content("s");
  content("dangling");
  content("loop");
  show("dangling");
  put("dangling", "made through the link");
  content("nowhere");
  SAY(rename("s", "t"));
  show("t");
  SAY(unlink("t"));
  show("c");
  SAY(unlink("c/"));
  SAY(rename("none", "x"));
  SAY(access("c", F_OK));
  SAY(access("none", F_OK));
  SAY(unlink("c"));
}

static void directories(void) {
  SAY(mkdir("d", 0755));
  SAY(mkdir("d", 0755));
  SAY(mkdir("d/e", 0755));
  SAY(mkdir("none/e", 0755));
  put("d/e/f", "deep");
  SAY(rmdir("d"));
  SAY(rmdir("d/e/f"));
  SAY(unlink("d/e"));
  SAY(rename("d", "d/e/g"));
  SAY(rename("d/e", "e"));
  content("e/f");
  SAY(mkdir("empty", 0755));
  SAY(rename("e", "empty"));
  SAY(rename("d", "empty"));
  SAY(rename("empty/f", "d"));
  put("file", "x");
  SAY(rename("empty", "file"));
  SAY(open("empty", O_WRONLY));
  SAY(open("file", O_RDONLY | O_DIRECTORY));
  int fd = open("empty", O_RDONLY | O_DIRECTORY);
  SAY(fd >= 0);
  SAY(openat(fd, "f", O_RDONLY) >= 0);
  SAY(mkdirat(fd, "sub", 0755));
  SAY(renameat(fd, "f", AT_FDCWD, "moved"));
  SAY(unlinkat(fd, "sub", AT_REMOVEDIR));
  SAY(fstatat(fd, "f", &(struct stat){0}, 0));
  close(fd);
  content("moved");
  SAY(rmdir("empty"));
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void listing(void) {
  char seen[400][16], path[32];
  SAY(mkdir("many", 0755));
  for (int i = 0; i < 300; i++) {
    snprintf(path, sizeof path, "many/f%03d", i);
    put(path, "");
  }
  DIR *dir = opendir("many");
  int count = 0;
  long middle = 0;
  char there[16] = "";
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    if (count == 151) strcpy(there, entry->d_name);
    snprintf(seen[count++], 16, "%s", entry->d_name);
    if (count == 151) middle = telldir(dir);
  }
  printf("%d entries\n", count);
  seekdir(dir, middle);
  struct dirent *again = readdir(dir);
  printf("seekdir %s\n", again != NULL && strcmp(again->d_name, there) == 0 ? "came back" : "did not come back");
  rewinddir(dir);
  int anew = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) anew += entry->d_name[0] != '.';
  printf("%d entries anew\n", anew);
  closedir(dir);
  qsort(seen, count, 16, by_name);
  printf("%s to %s\n", seen[0], seen[count - 1]);
  dir = opendir("many");
  int removed = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "many/%s", entry->d_name);
    removed += unlink(path) == 0;
  }
  closedir(dir);
  printf("%d removed\n", removed);
  SAY(rmdir("many"));
}

static void times(void) {
  struct timespec set[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
  struct stat s;
  put("timed", "x");
  SAY(symlink("timed", "to-timed"));
  SAY(utimensat(AT_FDCWD, "timed", set, 0));
  SAY(stat("to-timed", &s));
  printf("%lld.%09ld %lld.%09ld\n", (long long)s.st_atim.tv_sec, (long)s.st_atim.tv_nsec, (long long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec);
  set[0].tv_nsec = UTIME_OMIT;
  set[1].tv_sec = 5;
  SAY(utimensat(AT_FDCWD, "to-timed", set, AT_SYMLINK_NOFOLLOW));
  SAY(lstat("to-timed", &s));
  printf("%lld.%09ld\n", (long long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec);
  SAY(stat("timed", &s));
  printf("%lld\n", (long long)s.st_mtim.tv_sec);
  int fd = open("timed", O_RDWR);
  SAY(futimens(fd, set));
  SAY(fstat(fd, &s));
  printf("%lld %lld\n", (long long)s.st_mtim.tv_sec, (long long)s.st_size);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc > 1 && chdir(argv[1]) != 0) return 1;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  files();
  names();
  directories();
  listing();
  times();
  return 0;
}
