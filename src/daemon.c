/*
 * daemon.c - user, background and pid file.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int daemon_ready_fd = -1; /* to the waiting parent */

bool daemon_become(const char *user, struct err *err)
{
	if (!user || !*user) {
		if (geteuid() == 0)
			return err_set(err, "refusing to run as root: name a user to become "
					    "(user = NAME in the configuration, or --user=NAME)");
		return true;
	}
	struct passwd *pw = getpwnam(user);
	if (!pw)
		return err_set(err, "there is no system user \"%s\"", user);
	if (pw->pw_uid == 0)
		return err_set(err, "refusing to run as root: user \"%s\" is root", user);
	if (geteuid() == pw->pw_uid)
		return true;
	if (geteuid() != 0)
		return err_set(err, "only root can become user \"%s\"", user);
	if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
		return err_set(err, "cannot become user \"%s\": %s", user, strerror(errno));
	return true;
}

/* In the parent: as the child does. */
static void daemon_wait(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	int status;
	waitpid(child, &status, 0);
	_exit(1);
}

static void daemon_close_std(void)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

bool daemon_detach(struct err *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, "pipe: %s", strerror(errno));
	pid_t child = fork();
	if (child < 0)
		return err_set(err, "fork: %s", strerror(errno));
	if (child > 0) {
		close(fds[1]);
		daemon_wait(child, fds[0]);
	}
	close(fds[0]);
	daemon_ready_fd = fds[1];
	setsid();
	return true;
}

void daemon_ready(void)
{
	if (daemon_ready_fd < 0)
		return;
	daemon_close_std();
	ssize_t n = write(daemon_ready_fd, "", 1);
	(void)n;
	close(daemon_ready_fd);
	daemon_ready_fd = -1;
}

static pid_t daemon_read_pid(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

bool daemon_write_pidfile(const char *path, struct err *err)
{
	if (!path || !*path)
		return true;
	pid_t other = daemon_read_pid(path);
	if (other > 0 && other != getpid() && (kill(other, 0) == 0 || errno == EPERM))
		return err_set(err, "pidfile %s: process %d is running already", path, (int)other);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, "pidfile %s: %s", path, strerror(errno));
	bool ok = dprintf(fd, "%d\n", (int)getpid()) > 0;
	int failed = errno;
	close(fd);
	return ok ? true : err_set(err, "pidfile %s: %s", path, strerror(failed));
}

void daemon_remove_pidfile(const char *path)
{
	if (path && *path && daemon_read_pid(path) == getpid())
		unlink(path);
}
