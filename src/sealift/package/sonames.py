"""Which Debian package brings a library: the usual ones, as in the archive of trixie.

Small on purpose: Debian's own index of files is 13 MB to download, and is not needed to build.
A test compares this table with the archive.
"""

from __future__ import annotations

import re

_PACKAGES = {
    "libstdc++6": "libstdc++.so.6",
    "libgcc-s1": "libgcc_s.so.1",
    "libarchive13t64": "libarchive.so.13",
    "libasound2t64": "libasound.so.2",
    "libatk1.0-0t64": "libatk-1.0.so.0",
    "libatomic1": "libatomic.so.1",
    "libavcodec-extra61": "libavcodec.so.61",
    "libavformat-extra61": "libavformat.so.61",
    "libavutil59": "libavutil.so.59",
    "libbz2-1.0": "libbz2.so.1.0",
    "libcairo2": "libcairo.so.2",
    "libcap2": "libcap.so.2",
    "libcgraph6": "libcgraph.so.6",
    "libcrypt1": "libcrypt.so.1",
    "libcups2t64": "libcups.so.2",
    "libcurl3t64-gnutls": "libcurl-gnutls.so.4",
    "libcurl4t64": "libcurl.so.4",
    "libdbus-1-3": "libdbus-1.so.3",
    "libdrm2": "libdrm.so.2",
    "libedit2": "libedit.so.2",
    "libegl1": "libEGL.so.1",
    "libelf1t64": "libelf.so.1",
    "libexpat1": "libexpat.so.1",
    "libffi8": "libffi.so.8",
    "libfftw3-double3": "libfftw3.so.3",
    "libflac14": "libFLAC.so.14",
    "libfontconfig1": "libfontconfig.so.1",
    "libfreetype6": "libfreetype.so.6",
    "libgbm1": "libgbm.so.1",
    "libgdal36": "libgdal.so.36",
    "libgdk-pixbuf-2.0-0": "libgdk_pixbuf-2.0.so.0",
    "libgeos-c1t64": "libgeos_c.so.1",
    "libgfortran5": "libgfortran.so.5",
    "libgl1": "libGL.so.1",
    "libgles2": "libGLESv2.so.2",
    "libglib2.0-0t64": "libglib-2.0.so.0 libgthread-2.0.so.0 libgobject-2.0.so.0 libgio-2.0.so.0",
    "libglu1-mesa": "libGLU.so.1",
    "libglx0": "libGLX.so.0",
    "libgmp10": "libgmp.so.10",
    "libgomp1": "libgomp.so.1",
    "libgoogle-perftools4t64": "libtcmalloc.so.4",
    "libgsl28": "libgsl.so.28",
    "libgssapi-krb5-2": "libgssapi_krb5.so.2",
    "libgtk-3-0t64": "libgtk-3.so.0 libgdk-3.so.0",
    "libgvc6": "libgvc.so.6",
    "libharfbuzz0b": "libharfbuzz.so.0",
    "libhwloc15": "libhwloc.so.15",
    "libibverbs1": "libibverbs.so.1",
    "libice6": "libICE.so.6",
    "libicu76": "libicuuc.so.76 libicui18n.so.76 libicudata.so.76",
    "libjemalloc2": "libjemalloc.so.2",
    "libjpeg62-turbo": "libjpeg.so.62",
    "libkrb5-3": "libkrb5.so.3",
    "libldap2": "libldap.so.2",
    "libltdl7": "libltdl.so.7",
    "liblz4-1": "liblz4.so.1",
    "liblzma5": "liblzma.so.5",
    "libmagic1t64": "libmagic.so.1",
    "libmariadb3": "libmariadb.so.3",
    "libmp3lame0": "libmp3lame.so.0",
    "libmpfr6": "libmpfr.so.6",
    "libmpg123-0t64": "libmpg123.so.0",
    "libncursesw6": "libncursesw.so.6",
    "libnetcdf22": "libnetcdf.so.22",
    "libnsl2": "libnsl.so.2",
    "libnuma1": "libnuma.so.1",
    "libodbc2": "libodbc.so.2",
    "libodbcinst2": "libodbcinst.so.2",
    "libogg0": "libogg.so.0",
    "libomp5-17t64": "libomp.so.5",
    "libopengl0": "libOpenGL.so.0",
    "libopenjp2-7": "libopenjp2.so.7",
    "libopenmpi40": "libmpi.so.40",
    "libopus0": "libopus.so.0",
    "libpango-1.0-0": "libpango-1.0.so.0",
    "libpangocairo-1.0-0": "libpangocairo-1.0.so.0",
    "libpangoft2-1.0-0": "libpangoft2-1.0.so.0",
    "libpng16-16t64": "libpng16.so.16",
    "libportaudio2": "libportaudio.so.2",
    "libpq5": "libpq.so.5",
    "libproj25": "libproj.so.25",
    "libprotobuf32t64": "libprotobuf.so.32",
    "libpulse0": "libpulse.so.0",
    "libpython3.13": "libpython3.13.so.1.0",
    "libquadmath0": "libquadmath.so.0",
    "librdmacm1t64": "librdmacm.so.1",
    "libreadline8t64": "libreadline.so.8",
    "libsamplerate0": "libsamplerate.so.0",
    "libsasl2-2": "libsasl2.so.2",
    "libseccomp2": "libseccomp.so.2",
    "libsm6": "libSM.so.6",
    "libsnappy1v5": "libsnappy.so.1",
    "libsndfile1": "libsndfile.so.1",
    "libsodium23": "libsodium.so.23",
    "libsox3": "libsox.so.3",
    "libspatialindex8": "libspatialindex.so.8",
    "libsqlite3-0": "libsqlite3.so.0",
    "libssl3t64": "libssl.so.3 libcrypto.so.3",
    "libswscale8": "libswscale.so.8",
    "libsystemd0": "libsystemd.so.0",
    "libtbb12": "libtbb.so.12",
    "libtesseract5": "libtesseract.so.5",
    "libtiff6": "libtiff.so.6",
    "libtinfo6": "libtinfo.so.6",
    "libtirpc3t64": "libtirpc.so.3",
    "libudev1": "libudev.so.1",
    "libunwind8": "libunwind.so.8",
    "libusb-1.0-0": "libusb-1.0.so.0",
    "libuuid1": "libuuid.so.1",
    "libvorbis0a": "libvorbis.so.0",
    "libvulkan1": "libvulkan.so.1",
    "libwayland-client0": "libwayland-client.so.0",
    "libwayland-cursor0": "libwayland-cursor.so.0",
    "libwayland-egl1": "libwayland-egl.so.1",
    "libwebp7": "libwebp.so.7",
    "libx11-6": "libX11.so.6",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xinerama0": "libxcb-xinerama.so.0",
    "libxcb1": "libxcb.so.1",
    "libxcomposite1": "libXcomposite.so.1",
    "libxcursor1": "libXcursor.so.1",
    "libxdamage1": "libXdamage.so.1",
    "libxext6": "libXext.so.6",
    "libxfixes3": "libXfixes.so.3",
    "libxft2": "libXft.so.2",
    "libxi6": "libXi.so.6",
    "libxinerama1": "libXinerama.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxkbcommon0": "libxkbcommon.so.0",
    "libxml2": "libxml2.so.2",
    "libxrandr2": "libXrandr.so.2",
    "libxrender1": "libXrender.so.1",
    "libxslt1.1": "libxslt.so.1",
    "libxss1": "libXss.so.1",
    "libxt6t64": "libXt.so.6",
    "libxtst6": "libXtst.so.6",
    "libzbar0t64": "libzbar.so.0",
    "libzmq5": "libzmq.so.5",
    "libzstd1": "libzstd.so.1",
    "ocl-icd-libopencl1": "libOpenCL.so.1",
    "zlib1g": "libz.so.1",
}
_BY_LIBRARY = {name: package for package, names in _PACKAGES.items() for name in names.split()}
_STEM = re.compile(r"(.+?)(?:\.so\.(\d+)(?:\.\d+)*|-(\d[\d.]*)\.so)")


def package_of(library: str) -> str | None:
    """The Debian package that brings a library, None when it is not among the usual ones.

    >>> package_of("libGL.so.1"), package_of("libfoo.so.3")
    ('libgl1', None)
    """
    return _BY_LIBRARY.get(library)


def likely_name(library: str) -> str:
    """What Debian would call the package of a library (Debian Policy 8.1); "" if it has no rule.

    >>> likely_name("libFoo.so.3"), likely_name("libbar2.so.0.1"), likely_name("plugin.so")
    ('libfoo3', 'libbar2-0', '')
    """
    found = _STEM.fullmatch(library)
    if not found:
        return ""
    stem, version = found[1].lower().replace("_", "-"), found[2] or found[3]
    return f"{stem}-{version}" if stem[-1].isdigit() else f"{stem}{version}"


def all_packages() -> dict[str, str]:
    """Every library that is known, and its package."""
    return dict(_BY_LIBRARY)


__all__ = ["all_packages", "likely_name", "package_of"]
