/*
 * The least a server can do: one thread, epoll, prepared responses. It is the floor for any cache, and an origin that
 * takes no time. 64 KiB below /64k, otherwise 1 KiB; 304 for requests with If-None-Match.
 * argv[1]: fields of the response, each with its CRLF. Prints its address.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SMALL = 1024, LARGE = 64 * 1024, MOST_HEAD = 16 * 1024, EVENTS = 256 };

struct response { char *bytes; size_t length; };
struct connection { int fd; size_t used; const char *out; size_t left; char in[MOST_HEAD]; };

static struct response small, large, unmodified;

static struct response made(const char *status, const char *fields, size_t body) {
  struct response made = { .bytes = malloc(MOST_HEAD + body) };
  int head = body == 0 ? snprintf(made.bytes, MOST_HEAD, "HTTP/1.1 %s\r\n%s\r\n", status, fields)
                       : snprintf(made.bytes, MOST_HEAD, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, fields, body);
  memset(made.bytes + head, '.', body);
  made.length = (size_t)head + body;
  return made;
}

static const struct response *answer_to(const char *head, size_t length) {
  if (memmem(head, length, "\r\nIf-None-Match:", 16)) return &unmodified;
  return length > 8 && memcmp(head, "GET /64k", 8) == 0 ? &large : &small;
}

/* Answers complete requests. Returns 0 if the connection is to be closed. */
static int serve(struct connection *c) {
  for (;;) {
    while (c->left > 0) {
      ssize_t sent = send(c->fd, c->out, c->left, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      c->out += sent;
      c->left -= (size_t)sent;
    }
    char *end = memmem(c->in, c->used, "\r\n\r\n", 4);
    if (end != NULL) {
      size_t length = (size_t)(end - c->in) + 4;
      const struct response *response = answer_to(c->in, length);
      c->out = response->bytes;
      c->left = response->length;
      c->used -= length;
      if (c->used > 0) memmove(c->in, c->in + length, c->used);
      continue;
    }
    if (c->used == MOST_HEAD) return 0;
    ssize_t got = recv(c->fd, c->in + c->used, MOST_HEAD - c->used, 0);
    if (got == 0) return 0;
    if (got < 0) return errno == EAGAIN;
    c->used += (size_t)got;
  }
}

static void take(int poller, int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    struct connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.ptr = c };
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(int argc, char **argv) {
  const char *fields = argc > 1 ? argv[1] : "";
  small = made("200 OK", fields, SMALL);
  large = made("200 OK", fields, LARGE);
  unmodified = made("304 Not Modified", fields, 0);

  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 4096) != 0) return perror("listen"), 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("listening http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);

  int poller = epoll_create1(0);
  struct epoll_event events[EVENTS], accepting = { .events = EPOLLIN, .data.ptr = NULL };
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &accepting);
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int at = 0; at < count; at++) {
      struct connection *c = events[at].data.ptr;
      if (c == NULL) take(poller, listener);
      else if (!serve(c)) close(c->fd), free(c);
    }
  }
}
