#!/bin/sh
# Installs the C face: the shared library with its links, the static library, the header and the pkg-config file.
#
#   PREFIX    where it is to be found later; /usr/local where not set
#   DESTDIR   put before it, for packagers
#   CARGO_TARGET_DIR   where cargo put the libraries; target/ of this project where not set
#   MINICONTAIN_LIB_DIR   the directory of the libraries itself, to install others than the release build
#
# Build first: cargo build --release -p minicontain-ffi
set -eu

project=$(cd "$(dirname "$0")/.." && pwd)
prefix=${PREFIX:-/usr/local}
built=${MINICONTAIN_LIB_DIR:-${CARGO_TARGET_DIR:-$project/target}/release}
version=$(sed -n 's/^#define MINICONTAIN_VERSION "\(.*\)"$/\1/p' "$project/include/minicontain.h")
root=${DESTDIR:-}$prefix

for library in libminicontain.so libminicontain.a; do
    if [ ! -f "$built/$library" ]; then
        echo "install.sh: there is no $built/$library: run cargo build --release -p minicontain-ffi first" >&2
        exit 1
    fi
done

install -d "$root/lib/pkgconfig" "$root/include"
install -m 755 "$built/libminicontain.so" "$root/lib/libminicontain.so.$version"
# The soname, which programs load, and the name that the linker looks for.
ln -sf "libminicontain.so.$version" "$root/lib/libminicontain.so.0"
ln -sf libminicontain.so.0 "$root/lib/libminicontain.so"
install -m 644 "$built/libminicontain.a" "$root/lib/libminicontain.a"
install -m 644 "$project/include/minicontain.h" "$root/include/minicontain.h"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" "$project/ffi/minicontain.pc.in" \
    > "$root/lib/pkgconfig/minicontain.pc"
chmod 644 "$root/lib/pkgconfig/minicontain.pc"
