/* A PJRT plugin for tests that never becomes a device: JAX loads it, asks for its version, and then it fails as
 * ARCHCHECK_PJRT_FAULT says. The layout is that of xla/pjrt/c/pjrt_c_api.h: struct_size, extension_start, the API's version
 * (struct_size, extension_start, major, minor), then functions that take one pointer and return an error or NULL. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MINOR
#define MINOR 47 /* as jax-metal 0.0.7 to 0.1.1 say */
#endif

typedef void *Function(void *arguments);

static struct {
  size_t struct_size;
  void *extension_start;
  struct {
    size_t struct_size;
    void *extension_start;
    int major, minor;
  } version;
  Function *functions[96];
} api = {.struct_size = sizeof api, .version = {.struct_size = sizeof api.version, .minor = MINOR}};

enum { ERROR_DESTROY, ERROR_MESSAGE, ERROR_GET_CODE, PLUGIN_INITIALIZE, PLUGIN_ATTRIBUTES, CLIENT_CREATE = 10 };

static int is_fault(const char *name) {
  const char *wanted = getenv("ARCHCHECK_PJRT_FAULT");
  return wanted != NULL && strcmp(wanted, name) == 0;
}

static void hang(void) {
  for (;;) pause();
}

static void *nothing(void *arguments) { return arguments = NULL, arguments; }

static const char message[] = "archcheck test plugin: there is no such device";

static void *error_message(void *arguments) {
  struct {
    size_t struct_size;
    void *extension_start, *error;
    const char *message;
    size_t message_size;
  } *asked = arguments;
  asked->message = message;
  asked->message_size = sizeof message - 1;
  return NULL;
}

static void *error_code(void *arguments) {
  struct {
    size_t struct_size;
    void *extension_start, *error;
    int code;
  } *asked = arguments;
  asked->code = 13; /* INTERNAL */
  return NULL;
}

static void *create_client(void *arguments) {
  (void)arguments;
  if (is_fault("abort")) abort();
  if (is_fault("hang")) hang();
  return (void *)message; /* whatever is not NULL is an error */
}

const void *GetPjrtApi(void) {
  if (is_fault("abort-at-load")) abort();
  if (is_fault("hang-at-load")) hang();
  for (size_t at = 0; at < sizeof api.functions / sizeof *api.functions; at++) api.functions[at] = nothing;
  api.functions[ERROR_MESSAGE] = error_message;
  api.functions[ERROR_GET_CODE] = error_code;
  api.functions[CLIENT_CREATE] = create_client;
  return &api;
}
