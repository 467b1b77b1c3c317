"""Station book (sổ đài): stations, devices, inspections, plans, training and budget, with their yearly figures."""
