# cuttle: an API gateway runtime.
#
#   make            installs the packages that the build needs, builds build/release/cuttle
#   make run        the same, then starts the demo gateway on port 8080 and prints what to try
#   make test       installs what the tests need, builds, runs every spec and gate: N passed, N failed
#   make spec       the specs alone            ARGS="spec/core/base" for some of them
#   make lint       luacheck, clang-format
#   make fuzz       libFuzzer on each parser   SECONDS_EACH=30
#   make soak       load and faults for a while         SECONDS_EACH=300
#   make bench      CPU per request beside nginx and HAProxy, with the harness in ../shared/measure
#   make format     formats the C sources
#   make install    PREFIX=/usr/local
#
# MODE=release (default), debug or asan; each builds into a folder of its own. V=1 shows the compiler's command lines.

MODE    ?= release
OUT     ?= build/$(MODE)
PREFIX  ?= /usr/local
LAYERS  ?= base net net/sim http gateway script

ifeq ($(origin CC),default)
CC := gcc
endif
MAKEFLAGS += -j$(shell nproc)
say = $(if $(V),,@echo "  $(1) $@";)

BUILD_PACKAGES := gcc make libc6-dev libev-dev libluajit2-5.1-dev libc-ares-dev zlib1g-dev \
                  lua-busted
TEST_PACKAGES  := lua-check clang-format
DEMO_PACKAGES  := curl
FUZZ_PACKAGES  := clang libclang-rt-14-dev

CFLAGS_release := -O2 -flto=auto
CFLAGS_debug   := -O0
CFLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Token buckets are swapped as 16 bytes (core/base/store_bucket.c). x86-64 has had the instruction since 2006.
MACHINE := $(if $(filter x86_64,$(shell uname -m)),-mcx16)
DIALECT := -std=c11 -D_GNU_SOURCE $(MACHINE) -Icore -I/usr/include/luajit-2.1
CFLAGS  := $(DIALECT) -g -fPIC -Wall -Wextra -Wshadow -Wswitch-enum -Wstrict-prototypes \
           $(if $(CI),-Werror) $(CFLAGS_$(MODE))
LDFLAGS := $(CFLAGS_$(MODE))
LDLIBS  := -lev -lcares -lz -lluajit-5.1 -lm -ldl -lpthread

LIB_SOURCES := $(sort $(foreach layer,$(LAYERS),$(wildcard core/$(layer)/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(OUT)/%.o)
OBJECTS     := $(LIB_OBJECTS) $(patsubst %.c,$(OUT)/%.o,$(wildcard core/*.c))

all: $(OUT)/cuttle

lib: $(OUT)/core.so

$(OUT)/cuttle: $(OBJECTS)
	$(call say,link)$(CC) $(LDFLAGS) -rdynamic -o $@ $^ $(LDLIBS)

$(OUT)/core.so: $(LIB_OBJECTS)
	$(call say,link)$(CC) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(OUT)/%.o: %.c | build-packages
	@mkdir -p $(@D)
	$(call say,cc)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

build-packages:
	@conf/install-packages.sh $(BUILD_PACKAGES)

test-packages: build-packages
	@conf/install-packages.sh $(TEST_PACKAGES)

fuzz-packages: build-packages
	@conf/install-packages.sh $(FUZZ_PACKAGES)

.PHONY: all lib build-packages test-packages fuzz-packages

run: all
	@conf/install-packages.sh $(DEMO_PACKAGES) || true
	@conf/demo.sh $(OUT)/cuttle

test: test-packages
	@spec/run.sh

spec: all test-packages
	$(OUT)/cuttle test $(or $(ARGS),spec conf/team)

lint: test-packages
	@luacheck -q --no-color lua plugins spec conf; lua=$$?; \
	clang-format --dry-run -Werror $(wildcard core/*.[ch] core/*/*.[ch] core/*/*/*.[ch] spec/fuzz/*.c spec/soak/*.c) && exit $$lua

format: test-packages
	@clang-format -i $(wildcard core/*.[ch] core/*/*.[ch] core/*/*/*.[ch] spec/fuzz/*.c spec/soak/*.c)

# One libFuzzer binary per parser, each run for SECONDS_EACH over the corpus that it grows in build/fuzz.
FUZZERS      := $(patsubst spec/fuzz/%_fuzz.c,%,$(wildcard spec/fuzz/*_fuzz.c))
SECONDS_EACH ?= 30

build/fuzz/%: spec/fuzz/%_fuzz.c $(LIB_SOURCES) | fuzz-packages
	@mkdir -p $(@D)/corpus/$*
	$(call say,clang)clang $(DIALECT) -g -O1 -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

fuzz: fuzz-packages $(FUZZERS:%=build/fuzz/%)
	@for name in $(FUZZERS); do \
	    echo "== $$name"; \
	    build/fuzz/$$name -max_total_time=$(SECONDS_EACH) -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
	        build/fuzz/corpus/$$name || exit 1; \
	done

build/soak/store_kill: spec/soak/store_kill.c $(filter core/base/%,$(LIB_SOURCES))
	@mkdir -p $(@D)
	$(call say,cc)$(CC) $(CFLAGS) -o $@ $^

soak: all test-packages build/soak/store_kill
	build/soak/store_kill
	ASAN_OPTIONS=quarantine_size_mb=1:$(ASAN_OPTIONS) SOAK_SECONDS=$(SECONDS_EACH) CUTTLE_BIN=$(OUT)/cuttle \
	    $(OUT)/cuttle test --timeout=0 spec/soak/soak.lua

bench: all
	@spec/bench/run.sh $(OUT)/cuttle

install: all
	install -D $(OUT)/cuttle $(DESTDIR)$(PREFIX)/bin/cuttle
	mkdir -p $(DESTDIR)$(PREFIX)/share/cuttle
	cp -r lua plugins $(DESTDIR)$(PREFIX)/share/cuttle/

clean:
	rm -rf build

.PHONY: run test spec lint format fuzz soak bench install clean
