#!/bin/sh
# In fresh namespaces (see isolation.py): a root folder that holds nothing but what is named, read-only, and a /tmp.
#   namespaces.sh SIZE_OF_TMP TREE FOLDER... -- COMMAND...
set -eu
size=$1 tree=$2 root=$2/root
shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=755 box "$root"

show() { # SOURCE TARGET HOW
    mkdir -p "$(dirname "$root$2")"
    if [ -L "$1" ]; then
        ln -s "$(readlink "$1")" "$root$2"
        return
    fi
    if [ -d "$1" ]; then mkdir -p "$root$2"; else touch "$root$2"; fi
    mount "$3" "$1" "$root$2"
    only_to_read "$root$2"
}
only_to_read() { # PLACE: what is mounted there, and all that is mounted below it
    mount -o remount,bind,ro "$1"
    while read -r _ _ _ _ place _; do
        # a space stands there as \040
        case $place in *\\*) place=$(printf %b "$(printf %s "$place" | sed 's/\\/\\0/g')") ;; esac
        case $place in "$1"/*) mount -o remount,bind,ro "$place" ;; esac
    done </proc/self/mountinfo
}
mkdir "$root/tmp" # first: Python may lie below it
mount -t tmpfs -o "mode=1777,size=$size" tmp "$root/tmp"
show "$tree" /box --bind
while [ "$1" != -- ]; do
    show "$1" "$1" --rbind # /usr/local may be a disk of its own
    shift
done
shift
for device in null zero full random urandom; do
    mkdir -p "$root/dev"
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/proc" "$root/old"
mount -t proc proc "$root/proc"
for settings in sys sysrq-trigger irq bus; do
    if [ -e "$root/proc/$settings" ]; then
        mount --bind "$root/proc/$settings" "$root/proc/$settings"
        mount -o remount,bind,ro "$root/proc/$settings"
    fi
done
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,bind,ro /
cd /tmp
# what is left of root's rights is enough to become another user, where this was started by root, and no more
exec setpriv --bounding-set -all,+setuid,+setgid --inh-caps -all --no-new-privs "$@"
