"""A CC-100-like corpus from CommonCrawl WET files, as cc_net (Wenzek et al. 2019) makes one."""
