/* Preloaded into a process, notes what it does to the files whose path contains CUT_MATCH, in
 * order: every write with its bytes, every truncation, every unlink, every sync that succeeded.
 * What the process writes to the descriptor CUT_ACK is noted too: the acknowledgements it gave.
 * The notes go to CUT_LOG as records: kind, length of the path, offset, length of the data, path,
 * data. A test plays them back and decides what a power cut would have left of the files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_ROOM = 512 };

static int log_fd = -1;
static int ack_fd = -1;
static const char *match;
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_sync)(int);
static int (*real_datasync)(int);
static int (*real_truncate)(int, off64_t);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void begin(void) {
    match = getenv("CUT_MATCH");
    const char *ack = getenv("CUT_ACK");
    ack_fd = ack ? atoi(ack) : -1;
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_sync = dlsym(RTLD_NEXT, "fsync");
    real_datasync = dlsym(RTLD_NEXT, "fdatasync");
    real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    const char *log = getenv("CUT_LOG");
    if (log != NULL) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int concerns(int fd, char *path) {
    char link[64];
    if (match == NULL || log_fd < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_ROOM - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, match) != NULL;
}

/* One writev to a file opened for appending: records of several threads do not mix. */
static void note(char kind, const char *path, int64_t offset, const void *data, uint32_t size) {
    char head[15];
    uint16_t path_length = (uint16_t)strlen(path);
    head[0] = kind;
    memcpy(head + 1, &path_length, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &size, 4);
    struct iovec parts[3] = {
        {head, sizeof head}, {(void *)path, path_length}, {(void *)data, data ? size : 0}};
    if (writev(log_fd, parts, 3) < 0) abort();
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    char path[PATH_ROOM];
    ssize_t done = real_pwrite(fd, data, size, offset);
    if (done > 0 && concerns(fd, path)) note('W', path, offset, data, (uint32_t)done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwrite64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
    char path[PATH_ROOM];
    if (fd == ack_fd && log_fd >= 0) {
        note('A', "", 0, data, (uint32_t)size);
        return (ssize_t)size;
    }
    off64_t offset = lseek64(fd, 0, SEEK_CUR);
    ssize_t done = real_write(fd, data, size);
    if (done > 0 && offset >= 0 && concerns(fd, path))
        note('W', path, offset, data, (uint32_t)done);
    return done;
}

int fsync(int fd) {
    char path[PATH_ROOM];
    int failed = real_sync(fd);
    if (!failed && concerns(fd, path)) note('S', path, 0, NULL, 0);
    return failed;
}

int fdatasync(int fd) {
    char path[PATH_ROOM];
    int failed = real_datasync(fd);
    if (!failed && concerns(fd, path)) note('S', path, 0, NULL, 0);
    return failed;
}

int ftruncate64(int fd, off64_t size) {
    char path[PATH_ROOM];
    int failed = real_truncate(fd, size);
    if (!failed && concerns(fd, path)) note('T', path, size, NULL, 0);
    return failed;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int unlink(const char *path) {
    int failed = real_unlink(path);
    if (!failed && match != NULL && log_fd >= 0 && strstr(path, match) != NULL)
        note('U', path, 0, NULL, 0);
    return failed;
}
