# Sourced by the builders of guest images: a kernel out of its package, one EFI program, a disk, an LXD image.
# shellcheck shell=bash disable=SC2154

kernel() { # kernel DIR: Debian's cloud kernel with its modules, unpacked there, not installed; prints its version
    local package deb version
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
    deb=("$LAB_DIR/cache/${package:?}"_*.deb)
    if [ ! -s "${deb[0]}" ]; then
        mkdir -p "$LAB_DIR/cache"
        rm -f "$LAB_DIR/cache/"linux-image-*.deb # of an older kernel
        (cd "$1" && apt-get download -q "$package" >/dev/null 2>&1) || die "cannot download $package"
        mv "$1"/*.deb "$LAB_DIR/cache/"
        deb=("$LAB_DIR/cache/${package}"_*.deb)
    fi
    dpkg-deb --fsys-tarfile "${deb[0]}" | tar x -C "$1" --wildcards './boot/vmlinuz*' '*/lib/modules/*'
    [ -d "$1/lib" ] || ln -s usr/lib "$1/lib"
    version=$(ls "$1/lib/modules")
    [ -s "$1/lib/modules/$version/modules.dep" ] || busybox depmod -b "$1" "$version"
    echo "$version"
}

needed_by() { # needed_by MODULE: what it needs, in load order
    sed -n "s#^[^:]*/$1\.ko[^:]*: *##p" "$modules/modules.dep" | tr ' ' '\n' | tac
}

add_module() { # add_module NAME ROOT: with what it needs into ROOT/m, in load order in ROOT/modules.load
    local file dep
    file=$(find "$modules/" -name "$1.ko*" | head -n 1)
    [ -n "$file" ] && [ ! -e "$2/m/$1.ko" ] || return 0 # built in, or there already
    for dep in $(needed_by "$1"); do
        dep=${dep##*/}
        add_module "${dep%%.*}" "$2"
    done
    case $file in *.xz) xz -dc "$file" >"$2/m/$1.ko" ;; *) cp "$file" "$2/m/" ;; esac
    strip --strip-debug "$2/m/$1.ko"
    echo "$1.ko" >>"$2/modules.load"
}

keep_module() { # keep_module NAME ROOT: with what it needs, where a running system looks for it
    local file dep at
    file=$(find "$modules/" -name "$1.ko*" | head -n 1)
    [ -n "$file" ] || return 0
    at=$2/lib/modules/${modules##*/}/${file#"$modules/"}
    [ ! -e "$at" ] || return 0
    for dep in $(needed_by "$1"); do
        dep=${dep##*/}
        keep_module "${dep%%.*}" "$2"
    done
    mkdir -p "${at%/*}"
    cp "$file" "$at"
}

unified() { # unified OS-RELEASE CMDLINE KERNEL INITRD OUT: one EFI program of them
    local stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub address=0 sections=() section size at
    while read -r size at; do
        if ((16#$size + 16#$at > address)); then address=$((16#$size + 16#$at)); fi
    done < <(objdump -h "$stub" | sed -n 's/^ *[0-9]* \.[^ ]* *\([0-9a-f]*\) *\([0-9a-f]*\) .*/\1 \2/p')
    for section in osrel="$1" cmdline="$2" linux="$3" initrd="$4"; do
        address=$(((address + 0xffff) & ~0xffff)) # each after the one before, on a boundary that suits any stub
        sections+=(--add-section ".$section" --change-section-vma ".${section%%=*}=$address")
        address=$((address + $(stat -L -c %s "${section#*=}")))
    done
    objcopy "${sections[@]}" "$stub" "$5"
}

efi_partition() { # efi_partition DISK MIB PROGRAM: the partition at 1 MiB, with the program where firmware looks
    mkfs.vfat -F 16 -n ESP --offset 2048 "$1" $(($2 * 1024)) >/dev/null 2>&1 # warns of the rest of the disk
    mmd -i "$1@@1M" ::/EFI ::/EFI/BOOT
    mcopy -i "$1@@1M" "$3" ::/EFI/BOOT/BOOTX64.EFI
}

lxd_image() { # lxd_image DISK OUT.tar OS RELEASE DESCRIPTION: as a unified image
    qemu-img convert -f raw -O qcow2 "$1" rootfs.img
    cat >metadata.yaml <<Y
architecture: x86_64
creation_date: 1700000000
properties: {os: $3, release: "$4", architecture: amd64, description: $5, variant: default}
Y
    tar cf "$2.new" metadata.yaml rootfs.img
    mv "$2.new" "$2"
}
