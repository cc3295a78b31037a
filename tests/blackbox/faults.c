/* Faults for one program, loaded before the C library (LD_PRELOAD).
 *
 * FAULT_READ=TEXT   reading a file whose path contains TEXT fails ...
 * FAULT_WRITE=TEXT  writing one does ...
 * FAULT_ERRNO=N     ... with this error,
 * FAULT_AFTER=N     after N bytes (of writing) that went well,
 * FAULT_TIMES=N     N times, then no more; 0 is for ever.
 * FAULT_DIE=TEXT    the program is killed when it reads a file whose path contains TEXT.
 * FAULT_DISK=TEXT   paths that contain TEXT lie on a disk of their own: nothing is renamed or linked from or to there.
 * FAULT_SOCKETS=F   each socket of a network that is made is a line of the file F.
 * FAULT_CLOCK=S     the clock of the day is S seconds off.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static atomic_long failed, written;

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

static int is_of(int fd, const char *name) {
    const char *text = getenv(name);
    char link[64], path[4096];
    if (!text || fd < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, text) != NULL;
}

static int fails(void) {
    long times = number("FAULT_TIMES");
    if (times && atomic_fetch_add(&failed, 1) >= times)
        return 0;
    errno = (int)number("FAULT_ERRNO");
    return 1;
}

static int write_fails(int fd, size_t count) {
    return is_of(fd, "FAULT_WRITE") && atomic_fetch_add(&written, (long)count) >= number("FAULT_AFTER") && fails();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void *to, size_t count) {
    if (is_of(fd, "FAULT_DIE"))
        kill(getpid(), SIGKILL);
    return is_of(fd, "FAULT_READ") && fails() ? -1 : REAL(read)(fd, to, count);
}

ssize_t write(int fd, const void *from, size_t count) {
    return write_fails(fd, count) ? -1 : REAL(write)(fd, from, count);
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    return write_fails(fd, count) ? -1 : REAL(pwrite)(fd, from, count, at);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    return write_fails(fd, count) ? -1 : REAL(pwrite64)(fd, from, count, at);
}

int socket(int domain, int type, int protocol) {
    const char *list = getenv("FAULT_SOCKETS");
    if (list && (domain == AF_INET || domain == AF_INET6)) {
        FILE *file = fopen(list, "a");
        if (file) {
            fprintf(file, "%d\n", domain);
            fclose(file);
        }
    }
    return REAL(socket)(domain, type, protocol);
}

static int other_disk(const char *from, const char *to) {
    const char *text = getenv("FAULT_DISK");
    if (!text || !strstr(from, text) == !strstr(to, text))
        return 0;
    errno = EXDEV;
    return 1;
}

int rename(const char *from, const char *to) {
    return other_disk(from, to) ? -1 : REAL(rename)(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    return other_disk(from, to) ? -1 : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += number("FAULT_CLOCK");
    return result;
}
